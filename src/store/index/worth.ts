/** The use of content as the index knows it: bytes, and milliseconds since the epoch. */
export interface UseRecord {
  readonly size: number;
  readonly usedAt: number;
  readonly worth: number;
}

const HOUR_MS = 3_600_000;
/** After this long, a use counts half. */
const HALF_LIFE_MS = 24 * HOUR_MS;
/** A use counts in full if the one before it was this long ago, else for its share of that time. */
const FULL_USE_MS = 12 * HOUR_MS;
/** Content that was not read again after its fetch goes this much earlier. */
const PROBATION_MS = HOUR_MS;
/** A fetch costs at least as much as this many bytes, or as this share of the limit where that is less. */
const FETCH = { bytes: 1024 ** 2, share: 2 ** -14 };
/** A file takes at least this much of the disk. */
const BLOCK_BYTES = 4096;

/**
 * Worth of content that was just fetched. Eviction begins with the lowest worth.
 *
 * Worth is a time in milliseconds. It is the time at which content above 1 MiB that was used once would have been used to be worth as much.
 * Twice the uses are worth a half-life more (LRFU: Lee et al., IEEE Transactions on Computers 50(12), 2001). Worth changes only with a
 * use, so that the index can store it and keep its order.
 *
 * A fetch costs time even if it moves few bytes, so content below 1 MiB is valued by uses per byte (GreedyDual-Size, Cao and Irani, USITS
 * 1997). `limitBytes`, the smallest limit that holds, lowers that bound, so that small content can never take much of it.
 *
 * docs/decisions/0014-victims-by-measurement.md has the measurements behind the constants.
 */
export function worthOfNew(size: number, now: number, limitBytes: number): number {
  return Math.round(now + smallness(size, limitBytes) - PROBATION_MS);
}

/**
 * Worth of content after a use at `now`. It never falls and is at least `now`. Content that is read again and again outlives content that
 * is read once, as long as it does not rest for more than an hour. Uses in a row count by the time that they span: a rollout to 40 nodes
 * is worth little more than a pull by one.
 */
export function worthAfterUse({ size, usedAt, worth }: UseRecord, now: number, limitBytes: number): number {
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
