import { spreadOf, type Samples, type Spread } from './samples.ts';

/** Line of the table: a quantity of Larder, the same quantity of another contestant in the same rounds, and their ratio. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly larder: Spread;
  readonly against: string;
  readonly other: Spread;
  /** Larder's number divided by the other one's in each round. */
  readonly ratio: Spread;
}

/** Description of the quantity in a row. */
export type RowLabel = Pick<Row, 'what' | 'unit' | 'better'>;

/** Compares the contestant `larder` with each of the others in one quantity. */
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
