import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, body, keep, localStore } from '../../test/store/harness.ts';
import { silentLogger } from '../kit/logger.ts';
import { layoutOf } from './files/layout.ts';
import { createReader, type ReaderDeps } from './reader.ts';

test('content that is found damaged while it is being opened is not opened: its file would stay in use when a fill repairs it', async () => {
  await using under = await localStore();
  const of = body(1000);
  await keep(under.store, of, A);
  let looks = 0;
  const reader = createReader({
    layout: layoutOf(under.directory),
    catalog: { get: () => under.store.info(of.digest), sums: () => new BigUint64Array(1) },
    files: { get: () => undefined, add: () => 'it was opened' },
    outOfService: { has: () => (looks += 1) > 1 },
    logger: silentLogger,
  } as unknown as ReaderDeps);
  assert.equal(await reader.open(of.digest), undefined);
});
