import { readTakenUpstreams } from '../../fleet/taken-upstreams.ts';
import { errorText } from '../../kit/errors.ts';
import type { ObjectStore } from '../../kube/informer/object-store.ts';
import type { ConfigMap } from '../../kube/objects/config-maps.ts';
import { createObservable, type Observable } from '../cluster/observable.ts';

/** The upstreams that are configured outside of the cluster. */
export interface Taken {
  readonly upstreams: ReadonlySet<string>;
  /** Undefined if there is no list to follow. */
  readonly revision: number | undefined;
  /** Reason why it is not known which upstreams are taken now. Until it is, no cache and no entry of nodes may be created or removed. */
  readonly problem: string | undefined;
}

export const NOTHING_TAKEN: Taken = { upstreams: new Set(), revision: undefined, problem: undefined };

export type TakenView = Pick<Observable<Taken>, 'get' | 'onChange'>;

/**
 * Follows the ConfigMap `name`, which `store` holds. While it is missing or cannot be read, the list that was read last stays beside the problem:
 * no object gets an upstream because the ConfigMap is missing for a moment. Without a store nothing is taken.
 */
export function createTakenView(
  store: ObjectStore<ConfigMap> | undefined,
  name: string | undefined,
): TakenView {
  if (store === undefined) return createObservable(NOTHING_TAKEN, textOf);
  const missing = `the ConfigMap ${name} is missing, which says which upstreams are taken`;
  const view = createObservable<Taken>({ ...NOTHING_TAKEN, problem: missing }, textOf);
  store.onChange((_before, after) => {
    if (after === undefined) {
      view.set({ ...view.get(), problem: missing });
      return;
    }
    try {
      const { upstreams, revision } = readTakenUpstreams(after);
      view.set({ upstreams: new Set(upstreams), revision, problem: undefined });
    } catch (error) {
      view.set({ ...view.get(), problem: errorText(error) });
    }
  });
  return view;
}

function textOf({ upstreams, revision, problem }: Taken): string {
  return JSON.stringify([revision, problem, ...upstreams]);
}
