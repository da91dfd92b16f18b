import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runs } from '../../../test/store/runs.ts';
import { A, MIB, body, keep, localStore, policies, type LocalStore } from '../../../test/store/harness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Opens content, as a reader does, and closes it. */
async function read({ store }: LocalStore, of: ReturnType<typeof body>): Promise<void> {
  const content = await store.open(of.digest);
  assert.ok(content !== undefined, 'it would have to be fetched again');
  content.close();
}

test('a blob that is read all the time is fetched once, however much content is used once meanwhile', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 1_000_000 } }) });
  const hot = body(400_000);
  await keep(under.store, hot);
  await read(under, hot);
  for (let pass = 1; pass <= runs(6); pass += 1) {
    // More than the whole budget between two reads.
    for (let piece = 0; piece < 12; piece += 1) {
      under.clock.advance(4 * MINUTE);
      await keep(under.store, body(100_000 + piece, pass * 100 + piece));
    }
    await read(under, hot);
  }
});

test('a restart does not make a blob forget that it was read again', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 300_000 } }) });
  const hot = body(100_000);
  await keep(under.store, hot);
  under.clock.advance(MINUTE);
  await read(under, hot);
  await under.reopen();
  for (let piece = 0; piece < 10; piece += 1) {
    under.clock.advance(MINUTE);
    await keep(under.store, body(100_000, 10 + piece));
  }
  await read(under, hot);
});

test('content without reads is evicted, however often it was read before', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 300_000 } }) });
  const old = body(100_000);
  await keep(under.store, old);
  for (let hour = 0; hour < 200; hour += 1) {
    under.clock.advance(HOUR);
    await read(under, old);
  }
  under.clock.advance(50 * HOUR);
  for (let piece = 0; piece < 3; piece += 1) await keep(under.store, body(100_000, 10 + piece));
  assert.equal(under.store.presence(old.digest, A), 'absent');
});

test('a config outlives layers that were fetched after it', async () => {
  await using under = await localStore({ maxBytes: 128 * MIB });
  // Reserved bytes count like stored ones: the limit is large, but 8 MiB of it are free.
  const running = await under.store.spool(body(1, 2).digest, A, 120 * MIB);
  const config = body(1500);
  await keep(under.store, config);
  for (let piece = 0; piece < 18; piece += 1) {
    under.clock.advance(HOUR);
    await keep(under.store, body(MIB / 2, 10 + piece));
  }
  assert.equal(under.store.presence(body(MIB / 2, 10).digest, A), 'absent');
  assert.equal(under.store.presence(config.digest, A), 'linked');
  await running.discard();
});
