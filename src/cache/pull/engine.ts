import { SingleFlight } from '../../kit/single-flight.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CacheMetrics } from '../metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ContentStore, SpoolStore } from '../../store/types.ts';
import { PATIENCE_MS } from './stale-fallback.ts';
import { answerError } from '../../upstream/refusal.ts';
import { contentName, originOf, type Target } from '../access/target.ts';
import { requestBlob } from './blob-request.ts';
import { Fill } from './fill.ts';
import type { RecentFailures } from './recent-failures.ts';
import { Sources } from './requesters.ts';

export interface PullDeps {
  readonly store: ContentStore & SpoolStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CacheMetrics;
  readonly tasks: TaskGroup;
  readonly failures: RecentFailures;
}

/** The running fills: at most one per upstream and digest. */
export interface PullEngine {
  /** How many run, those that stop included. */
  readonly fillCount: number;
  /** The fill that may be joined; not one that has failed or stops. */
  running(upstream: string, digest: Digest): Fill | undefined;
  /** Starts a fill in the caller's name; throws what a fill of this blob failed with for them a moment ago. */
  start(target: Target, digest: Digest, expectedSize: number | undefined): Fill;
  /**
   * Asks the upstream in the caller's name whether this repository has the blob, once for all who are the same to it and ask at
   * the same time. On yes, links what is on disk. Gives the size where the upstream says it; throws its refusal.
   */
  confirm(target: Target, digest: Digest): Promise<number | undefined>;
}

/** Fills and confirmations of blobs. What failed for good (404, wrong bytes) is remembered for a few seconds. */
export function createPullEngine(deps: PullDeps): PullEngine {
  const { store, metrics, tasks, failures, clock } = deps;
  const fills = new Map<string, { fill: Fill; ended: Promise<void> }>();
  const confirmations = new SingleFlight<string, number | undefined>({ clock, ms: PATIENCE_MS });

  return {
    get fillCount() {
      return fills.size;
    },

    running(upstream, digest) {
      const fill = fills.get(key(upstream, digest))?.fill;
      return fill?.joinable === true ? fill : undefined;
    },

    start(target, digest, expectedSize) {
      const { name } = target.upstream;
      failures.rethrow(target, digest);
      // Strangers are not told what others met.
      if (target.requester.proven()) failures.rethrowContent(name, digest);
      const fill = new Fill(deps, { sources: new Sources(target), digest, expectedSize });
      const id = key(name, digest);
      const stopping = fills.get(id);
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      fills.set(id, { fill, ended });
      metrics.fillsInProgress.set(fills.size);
      tasks.run('fill', async (signal) => {
        // There is one spool at a time, and its bytes are this fill's beginning.
        await stopping?.ended;
        await fill.run(signal);
        if (fills.get(id)?.fill === fill) fills.delete(id);
        metrics.fillsInProgress.set(fills.size);
        if (isLarderError(fill.failure, 'BLOB_UNKNOWN')) failures.remember(target, digest, fill.failure);
        if (isLarderError(fill.failure, 'UPSTREAM_DIGEST_MISMATCH')) {
          metrics.corruptBlobs.inc({ action: 'refused' });
          failures.rememberContent(name, digest, fill.failure);
        }
        if (fill.failure === undefined) failures.forgetContent(name, digest);
        end();
      });
      return fill;
    },

    confirm(target, digest) {
      const origin = originOf(target);
      failures.rethrow(target, digest);
      const id = `${target.requester.key} ${origin.upstream}/${origin.repository}@${digest}`;
      return confirmations.do(id, async () => {
        const response = await requestBlob(target, digest, {
          method: 'HEAD',
          kind: 'blob',
          signal: tasks.signal,
        });
        response.body.destroy();
        if (response.status !== 200) {
          const refusal = answerError(response, 'blob', contentName(target, digest));
          if (refusal.code === 'BLOB_UNKNOWN') failures.remember(target, digest, refusal);
          throw refusal;
        }
        const presence = store.presence(digest, origin);
        const sameSize =
          response.contentLength === undefined || response.contentLength === store.info(digest)?.size;
        if (presence === 'unlinked' && sameSize) store.link(digest, origin);
        return response.contentLength;
      });
    },
  };
}

function key(upstream: string, digest: Digest): string {
  return `${upstream} ${digest}`;
}
