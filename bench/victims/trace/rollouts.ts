import type { Repository } from './catalog.ts';
import type { Pull } from './image.ts';
import type { Random } from './random.ts';
import type { Workload } from './workload.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './time.ts';

/** All nodes of a rollout pull within this time. */
const SPREAD_MS = 5 * MINUTE_MS;
/** Shares of rollouts of the release before the current one, and of the one before that. */
const OLDER = [0.12, 0.03] as const;

/** Pulls by nodes: by popularity, more by day than by night or at weekends, and after each release. */
export function rolloutsOf(
  random: Random,
  catalog: readonly Repository[],
  { days, rolloutsPerDay }: Workload,
): Pull[] {
  const pulls: Pull[] = [];
  for (let hour = 0; hour < days * 24; hour += 1) {
    const weights = catalog.map(({ popularity }) => popularity[Math.floor(hour / 24)]!);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let left = random.poisson((rolloutsPerDay / 24) * activity(hour)); left > 0; left -= 1) {
      rollOut(pick(weights, total), (hour + random.uniform()) * HOUR_MS, nodes(random));
    }
  }
  for (const repository of catalog) {
    for (const { at } of repository.releases) {
      if (at > 0 && repository.popularity[Math.floor(at / DAY_MS)]! > 0)
        rollOut(repository, at + random.uniform() * 2 * HOUR_MS, nodes(random));
    }
  }
  return pulls;

  function pick(weights: readonly number[], total: number): Repository {
    let rest = random.uniform() * total;
    return catalog[weights.findIndex((weight) => (rest -= weight) < 0)]!;
  }

  function rollOut({ releases }: Repository, at: number, count: number): void {
    const current = releases.findLastIndex((release) => release.at <= at);
    const luck = random.uniform();
    const back = luck < OLDER[1] ? 2 : luck < OLDER[0] + OLDER[1] ? 1 : 0;
    const { image } = releases[Math.max(0, current - back)]!;
    const has = random.chance(0.5) ? 0.7 : 0;
    for (let node = 0; node < count; node += 1) {
      pulls.push({ at: at + random.uniform() * SPREAD_MS, image, has });
    }
  }
}

/** Number of nodes in a rollout. Most are one Pod that moves to another node; few are a whole fleet. */
function nodes(random: Random): number {
  const luck = random.uniform();
  if (luck < 0.6) return 1;
  return luck < 0.85 ? random.whole(2, 5) : random.whole(6, 40);
}

/** Relative activity in an hour of the week; 1 on average. */
function activity(hour: number): number {
  const weekend = Math.floor(hour / 24) % 7 >= 5;
  const busy = hour % 24 >= 8 && hour % 24 < 19;
  return weekend ? 0.4 : busy ? 2.1 : 0.5;
}
