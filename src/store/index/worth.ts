/** What the index knows of content that may be evicted: bytes, and milliseconds since the epoch. */
export interface Valued {
  readonly size: number;
  readonly usedAt: number;
  readonly worth: number;
}

const HOUR_MS = 3_600_000;
/** Uses count half after this long. */
const HALF_LIFE_MS = 24 * HOUR_MS;
/** A use counts in full when the one before was this long ago, else for its share of that time. */
const FULL_USE_MS = 12 * HOUR_MS;
/** What nobody has read again goes this much earlier. */
const PROBATION_MS = HOUR_MS;
/** A fetch costs at least as much as this many bytes, or as this share of the limit where that is less. */
const FETCH = { bytes: 1024 ** 2, share: 2 ** -14 };
/** What a file takes at least. */
const BLOCK_BYTES = 4096;

/**
 * The worth of content that was just fetched. What has the lowest worth is evicted first.
 *
 * Worth is a time in milliseconds: when content that was used once, and is not small, would have been used in order to be
 * worth as much. Twice the uses are worth a half-life more (LRFU: Lee et al., IEEE Transactions on Computers 50(12), 2001).
 * It changes only by a use, so that the index can hold it and keep its order.
 *
 * A fetch costs time also where it moves few bytes: content below 1 MiB is valued by uses per byte (GreedyDual-Size, Cao and
 * Irani, USITS 1997). `limitBytes`, the smallest limit that holds, lowers that bound, so that small content can never take
 * much of it.
 *
 * The constants are measured, see docs/decisions/0014-victims-by-measurement.md.
 */
export function worthOfNew(size: number, now: number, limitBytes: number): number {
  return Math.round(now + smallness(size, limitBytes) - PROBATION_MS);
}

/**
 * The worth of content after a use at `now`. It never falls, and is at least `now`: content that is read again and again
 * outlives whatever is read once, as long as it does not rest for longer than an hour. Uses one after the other
 * count by the time that they span: a rollout to 40 nodes is worth little more than a pull by one.
 */
export function worthAfterUse({ size, usedAt, worth }: Valued, now: number, limitBytes: number): number {
  const use = now + smallness(size, limitBytes);
  const weight = Math.min(1, Math.max(0, (now - usedAt) / FULL_USE_MS));
  const top = Math.max(worth, use);
  const uses = inHalfLives(worth - top) + weight * inHalfLives(use - top);
  return Math.round(Math.max(use, worth, top + HALF_LIFE_MS * Math.log2(uses)));
}

/** Milliseconds that content is worth more because it is small. */
function smallness(size: number, limitBytes: number): number {
  const fetchBytes = Math.min(FETCH.bytes, FETCH.share * limitBytes);
  return HALF_LIFE_MS * Math.max(0, Math.log2(fetchBytes / Math.max(BLOCK_BYTES, size)));
}

function inHalfLives(ms: number): number {
  return 2 ** (ms / HALF_LIFE_MS);
}
