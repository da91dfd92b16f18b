import { canonicalHash } from '../../kube/objects/canonical.ts';
import type { Extension } from './resources.ts';

/** The annotation by which gardenlet asks for an operation. */
export const OPERATION = 'gardener.cloud/operation';
/** The annotation that makes each request of gardenlet another. */
const TIMESTAMP = 'gardener.cloud/timestamp';

/** All that decides whether an Extension needs work, and which. A few hundred bytes, whatever the size of the object. */
export interface ExtensionFacts {
  readonly uid: string | undefined;
  readonly type: string | undefined;
  readonly class: string;
  readonly generation: number;
  readonly observedGeneration: number;
  /** Value of the annotation {@link OPERATION}. */
  readonly operation: string | undefined;
  /** Text of gardenlet's time of the last request. */
  readonly requestedAt: string | undefined;
  /** True from the deletion timestamp on. */
  readonly isDeleted: boolean;
  readonly lastOperation: { readonly type: string; readonly state: string } | undefined;
  /** Equal for an equal status. */
  readonly statusHash: string;
}

export function factsOf({ metadata, spec = {}, status = {} }: Extension): ExtensionFacts {
  const { lastOperation } = status;
  return {
    uid: metadata.uid,
    type: spec.type,
    class: spec.class ?? 'shoot',
    generation: metadata.generation ?? 0,
    observedGeneration: status.observedGeneration ?? 0,
    operation: metadata.annotations?.[OPERATION],
    requestedAt: metadata.annotations?.[TIMESTAMP],
    isDeleted: metadata.deletionTimestamp !== undefined,
    lastOperation: lastOperation && { type: lastOperation.type, state: lastOperation.state },
    statusHash: canonicalHash(status),
  };
}

/** True if the controller of `type` is responsible. */
export function isResponsible(facts: ExtensionFacts, type: string): boolean {
  return facts.type === type && facts.class === 'shoot';
}
