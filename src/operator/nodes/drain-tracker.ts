import type { Clock } from '../../kit/clock.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import { nodesStillUsing } from '../cluster/node-report.ts';
import type { Watched } from '../cluster/watched.ts';

/** A node that has not carried out a change for this long is not waited for: whatever it does, it asks the origin then. */
const SILENT_MS = 5 * 60_000;
/** While nodes are waited for; costs the API server nothing. */
export const DRAIN_POLL_MS = 500;

export interface DrainTrackerDeps {
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'reports'>;
  readonly document: NodeDocumentView;
}

/** What is taken from under nodes only after they have turned away from it. */
export interface DrainTracker {
  /**
   * The nodes that may still do with `upstream` what the document said before: they have not carried out the one of now. None once they have
   * been silent for too long since the first call for `key`.
   */
  undrainedNodes(key: string, upstream: string): readonly string[];
  /** There is nothing to wait for any more. */
  forget(key: string): void;
}

export function createDrainTracker({ clock, watched, document }: DrainTrackerDeps): DrainTracker {
  /** When nodes were told, by the key; of the monotonic clock. */
  const since = new Map<string, number>();
  return {
    undrainedNodes(key, upstream) {
      const startedAt = since.get(key) ?? clock.monotonic();
      since.set(key, startedAt);
      if (clock.monotonic() >= startedAt + SILENT_MS) return [];
      return nodesStillUsing(watched.reports.list(), upstream, document.current().revision);
    },
    forget: (key) => void since.delete(key),
  };
}
