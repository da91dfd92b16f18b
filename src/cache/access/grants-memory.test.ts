/** What proofs cost in memory, whatever callers send. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ManualClock } from '../../kit/clock.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createGrants } from './grants.ts';

const APP = { upstream: 'registry.example.com', repository: parseRepositoryName('team/product/app') };

test('however many callers are proven, the proofs take 40 MB at most: of 200 000 the last half is known', () => {
  const collect = collector();
  const grants = createGrants(new ManualClock());
  const accountOf = (number: number): string => grants.accountOf(`Bearer token-of-caller-${number}`);
  const isProven = (number: number): boolean => grants.isProven(accountOf(number), APP, 1000);
  const before = collect();
  for (let number = 0; number < 200_000; number += 1) grants.prove(accountOf(number), APP);
  const megabytes = (collect() - before) / 1e6;
  assert.ok(megabytes < 40, `they take ${megabytes} MB`);
  assert.deepEqual([99_999, 100_000, 199_999].map(isProven), [false, true, true]);
});

/** Collects garbage, and gives the bytes of the heap that are left. */
function collector(): () => number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
}
