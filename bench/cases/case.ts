import type { PartName } from '../../test/parts/parts.ts';
import type { Row } from '../measure/row.ts';
import type { Origin } from '../peers/origin.ts';

/** Amounts of a measurement. */
export interface Effort {
  readonly rounds: number;
  readonly blobBytes: number;
  /** GETs of a warm blob per measurement, one after the other. */
  readonly gets: number;
  /** Length of a measurement that requests one manifest again and again. */
  readonly manifestSeconds: number;
  /** Size of the blob that 30 callers request at once. */
  readonly crowdBlobBytes: number;
  readonly storeObjects: number;
  /** Number of callers, each with a credential of its own. */
  readonly knownCallers: number;
}

export interface Setting {
  readonly effort: Effort;
  readonly origin: Origin;
}

/** One case of the benchmark. It starts its own servers, verifies their answers once, measures, and returns its rows. */
export interface Case {
  /** Value of `--only`. */
  readonly name: string;
  readonly parts: readonly PartName[];
  run(setting: Setting): Promise<readonly Row[]>;
}

const MIB = 1024 * 1024;

/** Gives numbers to publish, in about ten minutes. */
export const FULL_EFFORT: Effort = {
  rounds: 5,
  blobBytes: 256 * MIB,
  gets: 4,
  manifestSeconds: 3,
  crowdBlobBytes: 128 * MIB,
  storeObjects: 100_000,
  knownCallers: 100_000,
};

/** Shows in about a minute that everything runs. Its numbers say little. */
export const QUICK_EFFORT: Effort = {
  rounds: 1,
  blobBytes: 64 * MIB,
  gets: 2,
  manifestSeconds: 1,
  crowdBlobBytes: 16 * MIB,
  storeObjects: 2_000,
  knownCallers: 500,
};
