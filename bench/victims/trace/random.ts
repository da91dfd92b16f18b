/** Random numbers that depend on the seed only. */
export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** In [least, most). */
  between(least: number, most: number): number;
  /** A whole number in [least, most]. */
  whole(least: number, most: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** Standard normal. */
  normal(): number;
  /** Log-normal: half are below `median`, two thirds within a factor `exp(sigma)` of it. */
  logNormal(median: number, sigma: number): number;
  /** Number of events in a time in which `mean` are expected. */
  poisson(mean: number): number;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough for traces. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function uniform(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  const between = (least: number, most: number): number => least + uniform() * (most - least);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

  return {
    uniform,
    between,
    whole: (least, most) => Math.floor(between(least, most + 1)),
    chance: (probability) => uniform() < probability,
    normal,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    poisson(mean) {
      let count = 0;
      for (let left = Math.exp(-mean), product = uniform(); product > left; product *= uniform()) count += 1;
      return count;
    },
  };
}
