import type { ClusterFacts } from '../shoots/cluster-facts.ts';
import type { NodeChange } from './node-change.ts';
import type { ShootReads } from './shoot-reads.ts';

/** The shoot of a request. */
export interface HookedShoot {
  readonly facts: ClusterFacts;
  readonly reads: ShootReads;
}

/**
 * Finds out what a webhook wants on the nodes of a shoot. Undefined: nothing. Throws a `LarderError` in the words of the Go extension, with which the
 * request is denied.
 */
export type NodeHook = (shoot: HookedShoot) => Promise<NodeChange | undefined>;
