/** Memory that proofs take, whatever callers send. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ManualClock } from '../../kit/clock.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createCredentialGrants } from './credential-grants.ts';

const APP = { upstream: 'registry.example.com', repository: parseRepositoryName('team/product/app') };

test('however many callers are proven, the proofs take 48 MB at most: of 200 000 the last half is known', () => {
  const collect = collector();
  const grants = createCredentialGrants(new ManualClock());
  const credentialIdOf = (number: number): string =>
    grants.credentialIdOf(`Bearer token-of-caller-${number}`);
  const isProven = (number: number): boolean => grants.isProven(credentialIdOf(number), APP, 1000);
  const before = collect();
  for (let number = 0; number < 200_000; number += 1) grants.prove(credentialIdOf(number), APP);
  const megabytes = (collect() - before) / 1e6;
  assert.ok(megabytes < 48, `they take ${megabytes} MB`);
  assert.deepEqual([99_999, 100_000, 199_999].map(isProven), [false, true, true]);
});

/** Makes a function that collects garbage and returns the bytes left on the heap. */
function collector(): () => number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
}
