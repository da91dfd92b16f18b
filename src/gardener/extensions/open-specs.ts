import type { ExtensionFacts } from './extension-facts.ts';

/** Specs that are to be carried out although gardenlet has not asked for it. */
export interface OpenSpecs {
  isOpen(key: string, facts: ExtensionFacts): boolean;
  carriedOut(key: string, facts: ExtensionFacts): void;
  /** The object is gone. */
  forget(key: string): void;
}

/** For controllers that wait until gardenlet asks. */
export const NO_OPEN_SPECS: OpenSpecs = { isOpen: () => false, carriedOut() {}, forget() {} };

/**
 * For `--ignore-operation-annotation`: specs that have changed since they were carried out, and once after the start every spec, since this
 * program may carry them out differently than its predecessor.
 */
export function createOpenSpecs(): OpenSpecs {
  const uids = new Map<string, string | undefined>();
  return {
    isOpen: (key, { uid, generation, observedGeneration }) =>
      generation !== observedGeneration || !uids.has(key) || uids.get(key) !== uid,
    carriedOut: (key, { uid }) => void uids.set(key, uid),
    forget: (key) => void uids.delete(key),
  };
}
