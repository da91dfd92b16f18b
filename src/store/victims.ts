import type { Candidate } from './content-index.ts';

/**
 * Chooses what to evict: the least valuable candidates whose sizes sum up to `bytes`, all of them when they do not.
 *
 * Worth falls with idle time and size: content goes in the order of `idle^2 * size`, which is least recently used weighted by
 * the square root of size. A blob that is 100 times larger goes after a tenth of the idle time; of two equally old ones the
 * larger goes, because it makes room with one download to repeat.
 */
export function chooseVictims(candidates: readonly Candidate[], bytes: number, now: number): Candidate[] {
  const worst = candidates
    .map((candidate) => ({ candidate, cost: costOfKeeping(candidate, now) }))
    .sort((a, b) => b.cost - a.cost);
  const victims: Candidate[] = [];
  let freed = 0;
  for (const { candidate } of worst) {
    if (freed >= bytes) break;
    victims.push(candidate);
    freed += candidate.size;
  }
  return victims;
}

/** Seconds of idleness (at least one) squared, times bytes (at least one). */
export function costOfKeeping({ size, usedAt }: Candidate, now: number): number {
  const idleSeconds = Math.max(1, (now - usedAt) / 1000);
  return idleSeconds ** 2 * Math.max(1, size);
}
