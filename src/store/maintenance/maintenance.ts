import type { Digest } from '../../oci/digest.ts';
import type { HandBackStats } from '../distribution/hand-back.ts';
import type { ContentType, RepositoryId, Store, UpstreamPolicy } from '../types.ts';

export interface MaintainedStore extends Store {
  readonly maintenance: Maintenance;
}

/** Work on the store as a whole, besides requests for its content. */
export interface Maintenance {
  /** Content that is out of service, oldest finding first; at most 10 000. */
  damaged(): readonly DamagedContent[];
  isDamaged(digest: Digest): boolean;
  /** Undefined if the scrub is turned off. */
  scrubStats(): ScrubStats | undefined;
  /** Undefined for a store that stores. */
  handBackStats(): HandBackStats | undefined;
  /**
   * Reads stored content from disk and compares it with its digests. Rejects with the signal's reason, and with `NOT_STORED`,
   * `NAME_INVALID`, `TAG_INVALID` or `DIGEST_INVALID` before the first event.
   */
  verify(options: VerifyOptions, signal: AbortSignal, onEvent: OnEvent<VerifyEvent>): Promise<VerifyResult>;
  /** Removes partial bodies, quarantined files and unwanted content, see {@link GarbageOptions}. Rejects with the signal's reason. */
  collectGarbage(
    options: GarbageOptions,
    signal: AbortSignal,
    onEvent: OnEvent<GarbageItem>,
  ): Promise<GarbageResult>;
}

/** Called for each event as it happens, and awaited. */
export type OnEvent<Event> = (event: Event) => Promise<void> | void;

/** Content that is out of service because its bytes were wrong. */
export interface DamagedContent {
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** Some of the repositories that it was delivered or confirmed through. */
  readonly repositoryIds: readonly RepositoryId[];
}

/** Progress of the scrub. Times are milliseconds since the epoch. */
export interface ScrubStats {
  readonly bytesPerSecond: number;
  /** True during a pass, false between two passes. */
  readonly isRunning: boolean;
  /** Start of the running pass, else of the last one. */
  readonly startedAt: number | null;
  readonly checkedBytes: number;
  readonly checkedObjects: number;
  readonly totalBytes: number;
  readonly damaged: number;
  /** End of the last complete pass. */
  readonly finishedAt: number | null;
}

export interface VerifyOptions {
  /** An image, or the digest of any content, as users write them; undefined: all stored content. */
  readonly image?: string | undefined;
  /** Highest rate of reading; undefined: as fast as the disk can. */
  readonly bytesPerSecond?: number | undefined;
  /** Fetches damaged content again; throws if that is not possible. Undefined: damaged content is only taken out of service. */
  readonly repair?: ((content: DamagedContent, signal: AbortSignal) => Promise<void>) | undefined;
}

export type VerifyEvent = VerifyProgress | VerifyFinding;

export interface VerifyProgress {
  readonly event: 'progress';
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  /** Totals as far as they are known by now. */
  readonly totalObjects: number;
  readonly totalBytes: number;
}

export interface VerifyFinding {
  readonly event: 'finding';
  readonly digest: Digest;
  readonly size: number;
  readonly type: ContentType;
  /** `damaged`: out of service, and the next pull fetches it again. `repaired`: fetched again. `unreadable`: it could not be checked. */
  readonly state: 'damaged' | 'repaired' | 'unreadable';
  /** Some of its repositories, with their upstream. */
  readonly repositories: readonly string[];
  /** Why it could not be read or repaired. */
  readonly reason?: string;
}

export interface VerifyResult {
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  /** Objects found damaged, including repaired ones. */
  readonly damaged: number;
  readonly repaired: number;
  readonly unreadable: number;
  /** Parts of the image that are not stored, such as its other platforms. */
  readonly missing: number;
}

/** Reasons for a removal. */
export const GARBAGE_REASONS = ['leftover', 'quarantine', 'unconfigured', 'ttl', 'budget'] as const;
export type GarbageReason = (typeof GARBAGE_REASONS)[number];

export interface GarbageOptions {
  /** Reports what would be removed, and changes nothing. */
  readonly dryRun: boolean;
  /**
   * Policies of all configured upstreams; content of other upstreams is removed. Undefined: no content is removed for its age, its upstream
   * or an upstream's budget.
   */
  readonly policies: ReadonlyMap<string, UpstreamPolicy> | undefined;
  /** Limit of the whole store; undefined: the one that it was opened with. */
  readonly maxBytes: number | undefined;
}

/** A removed object or file, or one that a dry run would remove. */
export interface GarbageItem {
  readonly event: 'item';
  readonly reason: GarbageReason;
  /** Digest of content, name of any other file. */
  readonly name: string;
  readonly size: number;
  /** Bytes that the disk gets back; 0 for content that stays for another upstream. */
  readonly freedBytes: number;
  /** Upstreams whose share ended. */
  readonly upstreams: readonly string[];
  /** Last use of content, milliseconds since the epoch. */
  readonly usedAt?: number;
}

export interface GarbageTotals {
  readonly objects: number;
  readonly bytes: number;
}

export interface GarbageResult extends GarbageTotals {
  readonly dryRun: boolean;
  readonly reasons: Readonly<Record<GarbageReason, GarbageTotals>>;
  /** Bytes stored now, and their limit. */
  readonly storedBytes: number;
  readonly limitBytes: number;
}
