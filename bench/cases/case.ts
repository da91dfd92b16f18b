import type { PartName } from '../../test/parts/parts.ts';
import type { Row } from '../measure/row.ts';
import type { Origin } from '../peers/origin.ts';

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  readonly blobBytes: number;
  /** GETs of a warm blob, one after the other, that make one measurement. */
  readonly gets: number;
  /** Of asking for one manifest. */
  readonly manifestSeconds: number;
  /** Of the blob that 30 callers want. */
  readonly crowdBlobBytes: number;
  readonly storeObjects: number;
  /** Each with a credential of its own. */
  readonly knownCallers: number;
}

export interface Setting {
  readonly effort: Effort;
  readonly origin: Origin;
}

/** One case of the benchmark: starts its own servers, checks once that what they give is right, measures, gives its rows. */
export interface Case {
  /** For `--only`. */
  readonly name: string;
  readonly parts: readonly PartName[];
  run(setting: Setting): Promise<readonly Row[]>;
}

const MIB = 1024 * 1024;

/** For numbers to keep: about ten minutes. */
export const FULL_EFFORT: Effort = {
  rounds: 5,
  blobBytes: 256 * MIB,
  gets: 4,
  manifestSeconds: 3,
  crowdBlobBytes: 128 * MIB,
  storeObjects: 100_000,
  knownCallers: 100_000,
};

/** Shows that everything runs, in about a minute; its numbers say little. */
export const QUICK_EFFORT: Effort = {
  rounds: 1,
  blobBytes: 64 * MIB,
  gets: 2,
  manifestSeconds: 1,
  crowdBlobBytes: 16 * MIB,
  storeObjects: 2_000,
  knownCallers: 500,
};
