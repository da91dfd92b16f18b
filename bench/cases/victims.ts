import { compare, type Row } from '../measure/row.ts';
import type { Samples } from '../measure/samples.ts';
import { createByteHitBound } from '../victims/bound.ts';
import { belady } from '../victims/policies/belady.ts';
import { gdsf } from '../victims/policies/gdsf.ts';
import { idleSize } from '../victims/policies/idle-size.ts';
import { larder } from '../victims/policies/larder.ts';
import { lfu, lfuDa } from '../victims/policies/lfu.ts';
import { lru } from '../victims/policies/lru.ts';
import { s3Fifo } from '../victims/policies/s3-fifo.ts';
import { wTinyLfu } from '../victims/policies/w-tinylfu.ts';
import { replay, type HitRates } from '../victims/replay.ts';
import { traceOf, type Trace } from '../victims/trace/trace.ts';
import { PLAIN_MONTH, SCANNED_MONTH } from '../victims/trace/workload.ts';
import type { Case } from './case.ts';

const POLICIES = [larder, lru, lfu, lfuDa, gdsf, s3Fifo, wTinyLfu, idleSize, belady];
const WORKLOADS = { 'a month with scans': SCANNED_MONTH, 'a month without': PLAIN_MONTH };
const SEEDS = [1, 2, 3];
/** Sizes of the cache, as shares of all content that callers request in the month. */
const SIZES = [0.05, 0.1, 0.15, 0.25];
/** Size of the cache that has all rows. */
const MIDDLE = 0.1;

/** Hit rates of a full cache over simulated months, one for each seed, at most as many as rounds. */
export const victims: Case = {
  name: 'victims',
  parts: [],
  async run({ effort }) {
    return Object.entries(WORKLOADS).flatMap(([name, workload]) => {
      const months = SEEDS.slice(0, effort.rounds)
        .map((seed) => traceOf(seed, workload))
        .map((trace) => ({ trace, boundOf: createByteHitBound(trace) }));
      return SIZES.flatMap((share) => rowsOf(`${name}, cache of ${100 * share} %`, months, share));
    });
  },
};

interface Month {
  readonly trace: Trace;
  readonly boundOf: (capacity: number) => number;
}

function rowsOf(what: string, months: readonly Month[], share: number): Row[] {
  const samples: Samples<string, keyof HitRates> = Object.fromEntries(
    POLICIES.map((policy) => [
      policy.name,
      months.map(({ trace }) => ({ ...replay(trace, policy, trace.footprint * share) })),
    ]),
  );
  const bound = months.map(({ trace, boundOf }) => ({ bytes: boundOf(trace.footprint * share) }));
  const label = { unit: '%', better: 'more' } as const;
  const bytes = compare({ ...label, what: `${what}, bytes hit` }, { ...samples, bound }, 'bytes');
  if (share !== MIDDLE) return bytes;
  return [
    ...bytes,
    ...compare({ ...label, what: `${what}, bytes hit by the first of a burst` }, samples, 'first'),
    ...compare({ ...label, what: `${what}, manifests and configs hit` }, samples, 'small'),
  ];
}
