/** Result of one contestant in one round: a number per quantity, such as `{ gigabytesPerSecond: 2.4 }`. */
export type Sample<Q extends string> = Readonly<Record<Q, number>>;

/** All samples of a case, by contestant, in the order of the rounds. */
export type Samples<C extends string, Q extends string> = Readonly<Record<C, readonly Sample<Q>[]>>;

/**
 * Measures in turn, A B A B, so that a temporary disturbance of the machine affects all contestants. Round 0 comes first and does not
 * count.
 */
export async function takeTurns<C extends string, Q extends string>(
  contestants: readonly C[],
  rounds: number,
  measure: (contestant: C, round: number) => Promise<Sample<Q>>,
): Promise<Samples<C, Q>> {
  const samples = Object.fromEntries(contestants.map((name) => [name, [] as Sample<Q>[]])) as Record<
    C,
    Sample<Q>[]
  >;
  for (let round = 0; round <= rounds; round += 1) {
    for (const contestant of contestants) {
      const sample = await measure(contestant, round);
      if (round > 0) samples[contestant].push(sample);
    }
  }
  return samples;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Computes median, minimum and maximum. Median of no values: NaN. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
