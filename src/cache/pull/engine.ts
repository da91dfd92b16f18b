import { SingleFlight } from '../../kit/single-flight.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Metrics } from '../../kit/metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Origin, Store } from '../../store/types.ts';
import { answerError } from '../answers/upstream-answer.ts';
import type { Target } from '../upstreams.ts';
import { requestBlob } from './blob-request.ts';
import { Fill } from './fill.ts';
import type { RecentFailures } from './recent-failures.ts';

export interface PullDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tasks: TaskGroup;
  readonly failures: RecentFailures;
}

/** The running fills: at most one per upstream and digest. */
export interface PullEngine {
  /** The fill that may be joined; not one that has failed or stops. */
  running(origin: Origin, digest: Digest): Fill | undefined;
  /** Starts a fill; throws what a fill of this blob failed with a moment ago. */
  start(target: Target, digest: Digest, expectedSize: number | undefined): Fill;
  /**
   * Asks the upstream whether this repository has the blob, once for all who ask at the same time. On yes, links what is on
   * disk. Gives the size where the upstream says it; throws its refusal.
   */
  confirm(target: Target, digest: Digest): Promise<number | undefined>;
}

/** Fills and confirmations of blobs. What failed for good (404, wrong bytes) is remembered for a few seconds. */
export function createPullEngine(deps: PullDeps): PullEngine {
  const { store, metrics, tasks, failures } = deps;
  const fills = new Map<string, { fill: Fill; ended: Promise<void> }>();
  const confirmations = new SingleFlight<string, number | undefined>();

  return {
    running(origin, digest) {
      const fill = fills.get(key(origin.upstream, digest))?.fill;
      return fill?.joinable === true ? fill : undefined;
    },

    start(target, digest, expectedSize) {
      const origin = originOf(target);
      failures.rethrow(origin, digest);
      failures.rethrow({ upstream: origin.upstream }, digest);
      const fill = new Fill(deps, { client: target.upstream.client, origin, digest, expectedSize });
      const id = key(origin.upstream, digest);
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
        if (isLarderError(fill.failure, 'BLOB_UNKNOWN')) failures.remember(origin, digest, fill.failure);
        if (isLarderError(fill.failure, 'UPSTREAM_DIGEST_MISMATCH')) {
          metrics.corruptBlobs.inc({ action: 'refused' });
          failures.remember({ upstream: origin.upstream }, digest, fill.failure);
        }
        end();
      });
      return fill;
    },

    confirm(target, digest) {
      const origin = originOf(target);
      failures.rethrow(origin, digest);
      return confirmations.do(`${origin.upstream}/${origin.repository}@${digest}`, async () => {
        const response = await requestBlob(target.upstream.client, origin, digest, {
          method: 'HEAD',
          kind: 'blob',
          signal: tasks.signal,
        });
        response.body.destroy();
        if (response.status !== 200) {
          const refusal = answerError(response, 'blob', digest);
          if (refusal.code === 'BLOB_UNKNOWN') failures.remember(origin, digest, refusal);
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

export function originOf(target: Target): Origin {
  return { upstream: target.upstream.name, repository: target.repository };
}

function key(upstream: string, digest: Digest): string {
  return `${upstream} ${digest}`;
}
