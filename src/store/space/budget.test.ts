import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isLarderError } from '../../kit/errors.ts';
import { A, B, MIB, body, keep, localStore, policies, type LocalStore } from '../../../test/store/harness.ts';
import { readWhole } from '../../../test/store/read-whole.ts';

/** Asserts that the bytes on disk are within the limit and all counted. */
function measure(under: LocalStore): void {
  const { bytes, limitBytes } = under.store.stats();
  const onDisk = under.bytesOnDisk();
  assert.ok(onDisk <= limitBytes, `${onDisk} bytes on disk, the limit is ${limitBytes}`);
  assert.ok(onDisk <= bytes, `${onDisk} bytes on disk, ${bytes} counted`);
}

test('50 parallel fills under a small limit never exceed it on disk, and some of them are stored', async () => {
  await using under = await localStore({ maxBytes: 6 * MIB });
  const { store } = under;
  let stored = 0;
  let refused = 0;
  await Promise.all(
    Array.from({ length: 50 }, async (_, seed) => {
      const of = body(300_000 + seed * 7000, seed);
      const repositoryId = seed % 2 === 0 ? A : B;
      try {
        const spool = await store.spool(
          of.digest,
          repositoryId,
          seed % 3 === 0 ? undefined : of.content.length,
        );
        try {
          for (let at = 0; at < of.content.length; at += 64_000) {
            await spool.append([of.content.subarray(at, at + 64_000)]);
            measure(under);
          }
          (await spool.commit({ type: 'blob', repositoryId })).close();
          stored += 1;
        } catch (error) {
          await (seed % 4 === 0 ? spool.suspend() : spool.discard());
          throw error;
        }
      } catch (error) {
        assert.ok(isLarderError(error, 'STORE_FULL'), String(error));
        refused += 1;
      }
      measure(under);
    }),
  );
  assert.equal(stored + refused, 50);
  assert.ok(stored >= 10, `${stored} stored`);
});

test("an upstream's fills, suspended ones included, stay within its budget", async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 500_000 } }) });
  const { store } = under;
  for (let seed = 0; seed < 20; seed += 1) {
    const of = body(100_000, seed);
    const spool = await store.spool(of.digest, A, 100_000);
    await spool.append([of.content.subarray(0, 60_000)]);
    if (seed % 3 === 0) {
      await spool.suspend();
    } else {
      await spool.append([of.content.subarray(60_000)]);
      (await spool.commit({ type: 'blob', repositoryId: A })).close();
    }
    const used = store.stats().perUpstream.find(({ upstream }) => upstream === 'a.example')?.bytes ?? 0;
    assert.ok(used <= 500_000, `${used} bytes`);
  }
});

test('eviction frees a little more than is needed, so that not every fill has to evict', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 1_000_000 } }) });
  for (let seed = 0; seed < 100; seed += 1) await keep(under.store, body(10_000, seed));
  await (await under.store.spool(body(1).digest, A, 1)).discard();
  assert.equal(under.store.stats().objects, 97);
});

test('metrics show the bytes, the limit, and evictions by reason', async () => {
  const ttl = policies({ a: { ttlMs: 60_000, maxBytes: 250_000 } });
  await using under = await localStore({ policies: ttl });
  for (let seed = 0; seed < 3; seed += 1) await keep(under.store, body(100_000, seed));
  const value = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
    (await metric.get()).values[0]?.value;
  assert.equal(await value(under.metrics.storeLimitBytes), 64 * MIB);
  assert.equal(await value(under.metrics.storeBytes), under.store.stats().bytes);
  const { values } = await under.metrics.evictions.get();
  assert.deepEqual(
    values.map((one) => [one.labels['reason'], one.value]),
    [['budget', 1]],
  );
});

test('content of one upstream is not evicted for the budget of another', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 200_000 } }) });
  await keep(under.store, body(100_000, 1), B);
  under.clock.advance(3_600_000);
  for (let seed = 2; seed < 8; seed += 1) await keep(under.store, body(100_000, seed), A);
  assert.equal(under.store.presence(body(100_000, 1).digest, B), 'linked');
});

test('nothing is left in the spool folder when all fills have ended', async () => {
  await using under = await localStore({ maxBytes: 2 * MIB });
  for (let seed = 0; seed < 10; seed += 1) await keep(under.store, body(400_000, seed));
  assert.deepEqual(readdirSync(join(under.directory, 'spool')), []);
});

test('an upstream with a budget is listed before it has any content', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: MIB } }) });
  const listed = { upstream: 'a.example', bytes: 0, limitBytes: MIB, objects: 0 };
  assert.deepEqual(under.store.stats().perUpstream, [listed]);
});

test('a reader of a body that found no room reads the same bytes while the next fill of it begins', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 300_000 } }) });
  const of = body(400_000);
  const spool = await under.store.spool(of.digest, A, undefined);
  let at = 0;
  const append = async (): Promise<void> => {
    for (; at < of.content.length; at += 30_000) await spool.append([of.content.subarray(at, at + 30_000)]);
  };
  await assert.rejects(append(), { code: 'STORE_FULL' });
  spool.retain();
  await spool.suspend();
  const next = await under.store.spool(of.digest, A, undefined);
  await next.append([Buffer.alloc(30_000)]);
  const read = spool.read.bind(spool);
  assert.deepEqual(await readWhole({ size: at, read }), of.content.subarray(0, at));
  spool.release();
  await next.discard();
});
