import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { TakenView } from '../configs/taken-view.ts';
import type { DrainTracker } from './drain-tracker.ts';
import type { PublishedDocument } from './published-document.ts';

export interface FollowedRevisionDeps {
  readonly taken: Pick<TakenView, 'get'>;
  readonly published: Pick<PublishedDocument, 'get'>;
  readonly document: Pick<NodeDocumentView, 'current'>;
  readonly drain: DrainTracker;
}

/**
 * Returns the revision of the list of taken upstreams once no node uses one of them: the published document was made from that list, and every node
 * has carried it out, or has been silent for as long as a removal waits. 0 until then, and without a list.
 */
export function createFollowedRevision({ taken, published, document, drain }: FollowedRevisionDeps) {
  let waits = new Set<string>();
  return function followedRevision(): number {
    const { revision, upstreams } = taken.get();
    if (revision === undefined) return 0;
    const last = published.get();
    // The watched document may be older than the one that was written.
    const isPublished =
      last?.taken.symmetricDifference(upstreams).size === 0 && last.revision === document.current().revision;
    if (!isPublished) return 0;
    const current = new Map([...upstreams].map((upstream) => [`${revision} ${upstream}`, upstream]));
    for (const key of waits) if (!current.has(key)) drain.forget(key);
    waits = new Set(current.keys());
    const open = [...current].some(([key, upstream]) => drain.nodesToWaitFor(key, upstream).length > 0);
    return open ? 0 : revision;
  };
}
