import { createObservable, type Observable } from '../cluster/observable.ts';
import type { SpecId } from '../cluster/spec-id.ts';

/** What nodes were told last. */
export interface PublishedRevision {
  /** Of the document; that which is watched may be older for a moment. */
  readonly revision: string;
  /** The upstreams in it, and the spec that was told of each. */
  readonly specs: ReadonlyMap<string, SpecId>;
}

/**
 * Remembers what nodes were told, for the status of the objects: the document itself does not say of which spec it was made, since every node
 * would have to report each new generation. Empty after a start, until the document has been looked at.
 */
export type PublishedDocument = Observable<PublishedRevision | undefined>;

export function createPublishedDocument(): PublishedDocument {
  return createObservable<PublishedRevision | undefined>(undefined, textOf);
}

function textOf(told: PublishedRevision | undefined): string {
  return told === undefined ? '' : JSON.stringify([told.revision, ...told.specs]);
}
