import type { NodeDocumentInput } from '../../fleet/node-document.ts';
import { createObservable, type Observable } from '../cluster/observable.ts';
import { specId, type SpecId } from '../cluster/spec-id.ts';
import type { Plan } from '../configs/plan.ts';

/** The node document that was published last. */
export interface PublishedRevision {
  /** Revision of the document. The watched one may be older for a moment. */
  readonly revision: string;
  /** Upstreams in the document, each with the spec from which its entry was made. */
  readonly specs: ReadonlyMap<string, SpecId>;
  /** Upstreams that were taken then, and are not in the document. */
  readonly taken: ReadonlySet<string>;
}

/**
 * Remembers from which specs the published document was made, for the status of the objects. The document itself does not say, because every
 * node would have to report each new generation. Undefined after a start, until the document was written or found up to date.
 */
export type PublishedDocument = Observable<PublishedRevision | undefined>;

export function createPublishedDocument(): PublishedDocument {
  return createObservable<PublishedRevision | undefined>(undefined, textOf);
}

/** Maps each upstream in a document made from `plan` to the spec of its owner. Leaves out entries kept for an invalid spec. */
export function publishedSpecs(
  { caches = [], mirrors = [] }: NodeDocumentInput,
  plan: Plan,
): ReadonlyMap<string, SpecId> {
  const inDocument = new Set([...caches, ...mirrors].map(({ upstream }) => upstream));
  const planned = [
    ...[...plan.caches.values()].map(({ config: { upstream }, owner }) => ({ upstream, owner })),
    ...plan.mirrors.map(({ mirrors: { upstream }, owner }) => ({ upstream, owner })),
  ];
  return new Map(
    planned
      .filter(({ upstream }) => inDocument.has(upstream))
      .map(({ upstream, owner }) => [upstream, specId(owner)]),
  );
}

function textOf(published: PublishedRevision | undefined): string {
  return published === undefined
    ? ''
    : JSON.stringify([published.revision, ...published.specs, ...published.taken]);
}
