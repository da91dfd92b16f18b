/** Random choices that depend on nothing but a seed, so that a flood can be had again. */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from 0 up to `below`. */
  int(below: number): number;
  /** True so often: 0.25 is one time in four. */
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** One of the names, each as often as its number says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  bytes(count: number): Buffer;
}

/** Mulberry32: good enough to be no pattern, and the same everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick(choices) {
      if (choices.length === 0) throw new RangeError('there is nothing to choose from');
      return choices[int(choices.length)] as (typeof choices)[number];
    },
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries<number>(weights) as [Name, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      const chosen = entries.find(([, weight]) => (left -= weight) < 0);
      return (chosen ?? entries.at(-1) ?? ['' as Name, 0])[0];
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => int(256))),
  };
}
