import type { Clock } from '../../kit/clock.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import { nodesStillUsing } from '../cluster/node-report.ts';
import type { Watched } from '../cluster/watched.ts';

/** Longest wait for a node. One that has not confirmed a change by then falls back to the origin. */
const SILENT_MS = 5 * 60_000;
/** Time between two checks while nodes drain. A check makes no call to the API server. */
export const DRAIN_POLL_MS = 500;

export interface DrainTrackerDeps {
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'reports'>;
  readonly document: NodeDocumentView;
}

/** Delays removals until no node uses the upstream. */
export interface DrainTracker {
  /**
   * Nodes that may still use `upstream`, because they have not confirmed the current revision. None once 5 minutes have passed since the
   * first call for `key`.
   */
  nodesToWaitFor(key: string, upstream: string): readonly string[];
  /** Ends the wait for `key`. */
  forget(key: string): void;
}

export function createDrainTracker({ clock, watched, document }: DrainTrackerDeps): DrainTracker {
  /** Start of each wait, by the monotonic clock. */
  const since = new Map<string, number>();
  return {
    nodesToWaitFor(key, upstream) {
      const startedAt = since.get(key) ?? clock.monotonic();
      since.set(key, startedAt);
      if (clock.monotonic() >= startedAt + SILENT_MS) return [];
      return nodesStillUsing(watched.reports.list(), upstream, document.current().revision);
    },
    forget: (key) => void since.delete(key),
  };
}
