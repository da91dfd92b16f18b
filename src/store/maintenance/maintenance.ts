import type { GarbageItem, GarbageOptions, GarbageResult } from './garbage.ts';
import type { ScrubStats } from './scrub.ts';
import type { Store } from '../types.ts';
import type { Digest } from '../../oci/digest.ts';
import type { DamagedContent, VerifyEvent, VerifyOptions, VerifyResult } from './verify.ts';

/** Is told of what happens as it happens, and waited for. */
export type Report<Event> = (event: Event) => Promise<void> | void;

/** What is done to a store as a whole, beside the requests for its content. */
export interface Maintenance {
  /** Content that was found damaged and is not right again yet, the oldest first; 10 000 at most. */
  damaged(): readonly DamagedContent[];
  isDamaged(digest: Digest): boolean;
  /** Undefined when it is turned off. */
  scrubStats(): ScrubStats | undefined;
  /**
   * Reads stored content from disk and compares it with its digests, see {@link VerifyOptions}. Rejects with the signal's reason, and with
   * `NOT_STORED`, `NAME_INVALID`, `TAG_INVALID` or `DIGEST_INVALID` before the first report.
   */
  verify(options: VerifyOptions, signal: AbortSignal, report: Report<VerifyEvent>): Promise<VerifyResult>;
  /** Removes what nobody wants any more, see {@link GarbageOptions}. Rejects with the signal's reason. */
  collectGarbage(
    options: GarbageOptions,
    signal: AbortSignal,
    report: Report<GarbageItem>,
  ): Promise<GarbageResult>;
}

export interface MaintainedStore extends Store {
  readonly maintenance: Maintenance;
}
