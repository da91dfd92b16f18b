import type { Repository } from './catalog.ts';
import { newImage, newLayer, type Item, type Pull } from './image.ts';
import type { Random } from './random.ts';
import { DAY_MS, HOUR_MS } from './time.ts';
import type { Workload } from './workload.ts';

const MIB = 1024 ** 2;
const GIB = 1024 * MIB;

/** Pulls of content that is used once: builds of CI, a scanner in the night, models on trial. */
export function scansOf(random: Random, catalog: readonly Repository[], workload: Workload): Pull[] {
  const { days, buildsPerDay, nightsPerScan, daysPerModel } = workload;
  const pulls: Pull[] = [];
  for (let day = 0; day < days; day += 1) {
    builds(day);
    scanner(day);
    if (random.chance(1 / daysPerModel)) model(day);
  }
  return pulls;

  /** Images with new layers on top of a repository's; pulled by one to three tests within the hour, then never again. */
  function builds(day: number): void {
    for (let left = random.poisson(day % 7 >= 5 ? buildsPerDay / 5 : buildsPerDay); left > 0; left -= 1) {
      const at = day * DAY_MS + random.between(7, 22) * HOUR_MS;
      const { image: base } = catalog[Math.floor(random.uniform() ** 3 * catalog.length)]!.releases.findLast(
        (release) => release.at <= at,
      )!;
      const own: Item[] = Array.from({ length: random.whole(1, 3) }, () => newLayer(random, 12 * MIB, 1.3));
      const image = newImage(random, [...base.layers.slice(0, -1), ...own]);
      for (let pull = random.whole(1, 3); pull > 0; pull -= 1) {
        pulls.push({ at: at + random.uniform() * HOUR_MS, image, has: 0.5 });
      }
    }
  }

  /** Pulls every image of the catalog once, from two o'clock on. */
  function scanner(day: number): void {
    const begin = day * DAY_MS + 2 * HOUR_MS;
    for (const [index, { releases }] of catalog.entries()) {
      if (index % nightsPerScan !== day % nightsPerScan) continue;
      const at = begin + (index / catalog.length) * 3 * HOUR_MS;
      pulls.push({ at, image: releases.findLast((release) => release.at <= at)!.image, has: 0 });
    }
  }

  function model(day: number): void {
    const layers = Array.from({ length: random.whole(3, 8) }, () => newLayer(random, GIB, 0.8));
    const image = newImage(random, layers);
    const at = day * DAY_MS + random.between(8, 18) * HOUR_MS;
    for (let pull = random.whole(1, 4); pull > 0; pull -= 1) {
      pulls.push({ at: at + random.uniform() * 4 * HOUR_MS, image, has: 0 });
    }
  }
}
