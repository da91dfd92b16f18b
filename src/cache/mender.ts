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

/** Pause after an upstream refused content to Larder itself. Registries refuse everybody at times, so it is asked again. */
const REFUSED_MS = 600_000;

/** Pause between rounds: damaged content is mended within 35 s after its upstream returns. */
const INTERVAL_MS = 30_000;

/**
 * Makes the background job that mends damaged content as Larder itself: public content, and content that a configured
 * credential may read. Content that only callers may read waits for the next such caller. Runs until the signal aborts.
 */
export function createMender({ maintenance, repair, clock, logger }: MenderDeps) {
  /** Content that no upstream gives to Larder itself, with the monotonic time until which it is not asked for again. */
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

  /**
   * Mends one content after the other. An upstream that does not answer is skipped until the next round. Returns the
   * refused content.
   */
  async function mendAll(signal: AbortSignal): Promise<ReadonlyMap<Digest, number>> {
    const stillRefused = new Map<Digest, number>();
    const silent = new Set<string>();
    for (const content of maintenance.damaged()) {
      const { digest } = content;
      const until = refused.get(digest) ?? 0;
      const repositoryIds = content.repositoryIds.filter(({ upstream }) => !silent.has(upstream));
      if (until > clock.monotonic()) stillRefused.set(digest, until);
      if (stillRefused.has(digest) || repositoryIds.length === 0) continue;
      try {
        await repair({ ...content, repositoryIds }, signal);
      } catch (error) {
        if (signal.aborted) break;
        logger.debug('cannot mend damaged content', { digest, error: errorText(error) });
        if (isLarderError(error) && !error.retryable)
          stillRefused.set(digest, clock.monotonic() + REFUSED_MS);
        else for (const { upstream } of repositoryIds) silent.add(upstream);
      }
    }
    return stillRefused;
  }
}
