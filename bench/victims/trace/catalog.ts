import { newImage, newLayer, type Image, type Item } from './image.ts';
import type { Random } from './random.ts';
import { DAY_MS } from './time.ts';

/** Image that a repository's tag points to from `at` on. */
export interface Release {
  readonly at: number;
  readonly image: Image;
}

export interface Repository {
  /** In the order of time; the first one is older than the trace. */
  readonly releases: readonly Release[];
  /** Relative weight of its pulls on each day. */
  readonly popularity: readonly number[];
}

const REPOSITORIES = 600;
const ZIPF = 0.9;
/** Number of base images that repositories share, and days between two builds of one. */
const BASES = { count: 20, days: 12 };
/** Shares of repositories that come into use or go out of use during the month. */
const COMING = 0.15;
const GOING = 0.15;
/** Daily change of a repository's popularity, in powers of e. */
const DRIFT = 0.12;

/**
 * Repositories of an organisation, with Zipf popularity that drifts. Most have a release every few days. A release has one or two new layers
 * on top, sometimes new layers of dependencies, and the newest build of its base.
 */
export function createCatalog(random: Random, days: number): Repository[] {
  const bases = Array.from({ length: BASES.count }, () => buildsOf(random, days));
  return Array.from({ length: REPOSITORIES }, (_, rank) => ({
    // The square prefers the first bases.
    releases: releasesOf(random, days, bases[Math.floor(random.uniform() ** 2 * bases.length)]!),
    popularity: popularityOf(random, days, 1 / (rank + 1) ** ZIPF),
  }));
}

interface Build {
  readonly at: number;
  readonly layers: readonly Item[];
}

function buildsOf(random: Random, days: number): Build[] {
  const layers = random.whole(1, 4);
  return timesOf(random, days, BASES.days).map((at) => ({ at, layers: newLayers(random, layers) }));
}

function releasesOf(random: Random, days: number, builds: readonly Build[]): Release[] {
  let dependencies = newLayers(random, random.whole(1, 5));
  const top = random.whole(1, 2);
  // Size of the application, about the same through all its releases.
  const median = random.logNormal(4 * 1024 ** 2, 1.5);
  return timesOf(random, days, random.logNormal(6, 0.8)).map((at) => {
    if (random.chance(0.3)) dependencies = newLayers(random, dependencies.length);
    const base = builds.findLast((build) => build.at <= at) ?? builds[0]!;
    const own = Array.from({ length: top }, () => newLayer(random, median, 0.3));
    return { at, image: newImage(random, [...base.layers, ...dependencies, ...own]) };
  });
}

function popularityOf(random: Random, days: number, weight: number): number[] {
  const from = random.chance(COMING) ? random.whole(1, days) : 0;
  const until = random.chance(GOING) ? random.whole(1, days) : days;
  let factor = 1;
  return Array.from({ length: days }, (_, day) => {
    factor *= Math.exp(DRIFT * random.normal());
    return day >= from && day < until ? weight * factor : 0;
  });
}

function newLayers(random: Random, count: number): Item[] {
  return Array.from({ length: count }, () => newLayer(random));
}

/** Times of events that happen every `everyDays` on average: one before the trace begins, then those in its course. */
function timesOf(random: Random, days: number, everyDays: number): number[] {
  const times = [-1];
  for (let day = random.uniform() * everyDays; day < days; day += everyDays * random.between(0.3, 1.7)) {
    times.push(day * DAY_MS);
  }
  return times;
}
