import { spreadOf, type Samples, type Spread } from './samples.ts';

/** One line of the table: a quantity of Larder, the same of somebody else in the same rounds, and the ratio of the two. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly larder: Spread;
  readonly against: string;
  readonly other: Spread;
  /** Larder's number divided by the other's, round by round. */
  readonly ratio: Spread;
}

/** What a row says of a quantity of the samples. */
export type RowLabel = Pick<Row, 'what' | 'unit' | 'better'>;

/** Compares contestant `larder` with each of the others in one quantity. */
export function compare<Q extends string>(
  label: RowLabel,
  samples: Samples<string, Q>,
  quantity: NoInfer<Q>,
): Row[] {
  const valuesOf = (name: string): number[] => (samples[name] ?? []).map((sample) => sample[quantity]);
  const ours = valuesOf('larder');
  const others = Object.keys(samples).filter((name) => name !== 'larder');
  return others.map((against) => {
    const theirs = valuesOf(against);
    const ratio = spreadOf(ours.map((value, round) => value / theirs[round]!));
    return { ...label, larder: spreadOf(ours), against, other: spreadOf(theirs), ratio };
  });
}
