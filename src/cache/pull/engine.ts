import { SingleFlight } from '../../kit/single-flight.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CacheMetrics } from '../metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ContentStore, SpoolStore } from '../../store/types.ts';
import { FALLBACK_AFTER_MS } from './stale-fallback.ts';
import { toRefusal } from '../../upstream/refusal.ts';
import { contentName, repositoryIdOf, type Target } from '../access/target.ts';
import { requestBlob } from './request-blob.ts';
import { Fill } from './fill.ts';
import type { RecentFailures } from './recent-failures.ts';
import { Requesters } from './requesters.ts';

export interface PullDeps {
  readonly store: ContentStore & SpoolStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CacheMetrics;
  readonly tasks: TaskGroup;
  readonly failures: RecentFailures;
}

/** Runs fills, at most one per upstream and digest, and lets upstreams confirm blobs to requesters. */
export interface PullEngine {
  /** Number of running fills, including those that are stopping. */
  readonly fillCount: number;
  /** The fill that callers may join. A fill that has failed or is stopping is not returned. */
  running(upstream: string, digest: Digest): Fill | undefined;
  /**
   * Starts a fill on the requester's behalf. Throws the remembered failure if a fill of this blob has just failed for the
   * requester.
   */
  start(target: Target, digest: Digest, expectedSize: number | undefined): Fill;
  /**
   * Asks the upstream on the requester's behalf whether this repository has the blob. Concurrent questions of equal
   * requesters share one request. If it has, links the stored blob. Returns the size if the upstream states it; throws the
   * upstream's refusal.
   */
  confirm(target: Target, digest: Digest): Promise<number | undefined>;
}

/** Failures that a retry would not change (404, wrong bytes) are remembered for 3 s, see {@link RecentFailures}. */
export function createPullEngine(deps: PullDeps): PullEngine {
  const { store, metrics, tasks, failures, clock } = deps;
  const fills = new Map<string, { fill: Fill; ended: Promise<void> }>();
  const confirmations = new SingleFlight<string, number | undefined>({ clock, ms: FALLBACK_AFTER_MS });

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
      // Only proven requesters may learn of failures that others met.
      if (target.requester.hasLiveProof()) failures.rethrowContent(name, digest);
      const fill = new Fill(deps, { requesters: new Requesters(target), digest, expectedSize });
      const id = key(name, digest);
      const stopping = fills.get(id);
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      fills.set(id, { fill, ended });
      metrics.fillsInProgress.set(fills.size);
      tasks.run('fill', async (signal) => {
        // A blob has one spool at a time. The bytes of the stopping fill are the beginning of this one.
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
      const repositoryId = repositoryIdOf(target);
      failures.rethrow(target, digest);
      const id = `${target.requester.key} ${repositoryId.upstream}/${repositoryId.repository}@${digest}`;
      return confirmations.do(id, async () => {
        const response = await requestBlob(target, digest, {
          method: 'HEAD',
          kind: 'blob',
          signal: tasks.signal,
        });
        response.body.destroy();
        if (response.status !== 200) {
          const refusal = toRefusal(response, 'blob', contentName(target, digest));
          if (refusal.code === 'BLOB_UNKNOWN') failures.remember(target, digest, refusal);
          throw refusal;
        }
        const presence = store.presence(digest, repositoryId);
        const sameSize =
          response.contentLength === undefined || response.contentLength === store.info(digest)?.size;
        if (presence === 'unlinked' && sameSize) store.link(digest, repositoryId, target.requester.isApart);
        return response.contentLength;
      });
    },
  };
}

function key(upstream: string, digest: Digest): string {
  return `${upstream} ${digest}`;
}
