import { sleep, type Clock } from '../kit/clock.ts';
import { errorText, isLarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { Digest } from '../oci/digest.ts';
import type { Maintenance } from '../store/maintenance/maintenance.ts';
import type { Repair } from './repair.ts';

export interface MenderDeps {
  readonly maintenance: Pick<Maintenance, 'damaged'>;
  readonly repair: Repair;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an upstream refuses to Larder itself is asked for again after this long: a registry refuses everybody at times. */
const REFUSED_MS = 600_000;

/** How often: what was found damaged is right within 35 s of its upstream's return. */
const INTERVAL_MS = 30_000;

/**
 * Mends what was found damaged, in the background and in Larder's own name, for those upstreams that let it: public content, and what a
 * credential is configured for. What is private to callers waits for the next of them. Runs until the signal aborts.
 */
export function createMender({ maintenance, repair, clock, logger }: MenderDeps) {
  /** What no upstream gives to Larder itself, and until when it is not asked for again. */
  let refused: ReadonlyMap<Digest, number> = new Map();

  return async function mend(signal: AbortSignal): Promise<void> {
    for (;;) {
      const waited = await sleep(clock, INTERVAL_MS, signal).then(
        () => true,
        () => false,
      );
      if (!waited) return;
      refused = await mendAll(signal);
    }
  };

  /** One after the other. An upstream that does not answer is left alone until the next round. */
  async function mendAll(signal: AbortSignal): Promise<ReadonlyMap<Digest, number>> {
    const given = new Map<Digest, number>();
    const silent = new Set<string>();
    for (const content of maintenance.damaged()) {
      const { digest } = content;
      const until = refused.get(digest) ?? 0;
      const origins = content.origins.filter(({ upstream }) => !silent.has(upstream));
      if (until > clock.monotonic()) given.set(digest, until);
      if (given.has(digest) || origins.length === 0) continue;
      try {
        await repair({ ...content, origins }, signal);
      } catch (error) {
        if (signal.aborted) break;
        logger.debug('damaged content could not be mended', { digest, error: errorText(error) });
        if (isLarderError(error) && !error.retryable) given.set(digest, clock.monotonic() + REFUSED_MS);
        else for (const { upstream } of origins) silent.add(upstream);
      }
    }
    return given;
  }
}
