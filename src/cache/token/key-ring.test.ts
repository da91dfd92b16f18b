import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { ManualClock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { createLogger } from '../../kit/logger.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';

const HOUR = 3600_000;
const DOCUMENT = 'token-keys.json';

/** One store, as many processes before it as the test starts. */
function setting() {
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const store = new MemoryStore();
  const log: string[] = [];
  const logger = createLogger({ level: 'debug', format: 'json' }, (line) => log.push(line));
  const counts = { reads: 0, writes: 0 };
  const fails: { read?: boolean; write?: boolean } = {};
  const counted = {
    async readDocument(name: string) {
      counts.reads += 1;
      if (fails.read === true) throw new LarderError('STORE_UNAVAILABLE', 'the disk does not answer');
      return store.readDocument(name);
    },
    async writeDocument(name: string, content: Buffer) {
      counts.writes += 1;
      if (fails.write === true) throw new LarderError('STORE_FULL', 'no room');
      return store.writeDocument(name, content);
    },
  };
  const start = (): KeyRing => createKeyRing({ store: counted, clock, logger });
  return { clock, store, log, counts, fails, start };
}

async function knows(ring: KeyRing, id: string): Promise<boolean> {
  return (await ring.find(id)) !== undefined;
}

suite('the keys of tokens', () => {
  test('a key is made with the first token, kept in the store, and found there after a restart', async () => {
    const { start, store, counts } = setting();
    const first = start();
    assert.equal(store.documents.size, 0);
    const key = await first.current();
    assert.equal(await first.current(), key);
    assert.deepEqual(counts, { reads: 1, writes: 1 });
    const again = await start().current();
    assert.equal(again.id, key.id);
    assert.ok(again.secret.equals(key.secret));
  });

  test('many tokens at once are sealed with one key', async () => {
    const { start, counts } = setting();
    const ring = start();
    const keys = await Promise.all(Array.from({ length: 20 }, () => ring.current()));
    assert.equal(new Set(keys.map(({ id }) => id)).size, 1);
    assert.equal(counts.writes, 1);
  });

  test('each day has a new one, and the old one is good until the last token of it has expired', async () => {
    const { start, clock, store } = setting();
    const ring = start();
    const first = await ring.current();
    clock.advance(24 * HOUR - 1);
    assert.equal((await ring.current()).id, first.id);
    clock.advance(1);
    const second = await ring.current();
    assert.notEqual(second.id, first.id);
    // Sealed at the last moment of the first day, and as long-lived as a token may be.
    clock.advance(HOUR - 1);
    assert.ok(await knows(ring, first.id));
    assert.ok(await knows(start(), first.id), 'after a restart, too');
    clock.advance(5 * 60_000 + 1);
    assert.ok(!(await knows(ring, first.id)));
    clock.advance(23 * HOUR);
    await ring.current();
    assert.doesNotMatch(String(store.documents.get(DOCUMENT)), new RegExp(first.id), 'it is forgotten');
  });

  test("replicas with one store know each other's keys", async () => {
    const { start, clock } = setting();
    const [a, b] = [start(), start()];
    const first = await a.current();
    assert.equal((await b.current()).id, first.id);
    clock.advance(24 * HOUR);
    const second = await a.current();
    assert.ok(await knows(b, second.id));
    assert.equal((await b.current()).id, second.id);
  });

  test('of two replicas that make a key at the same moment, both keys are soon known to both', async () => {
    const { start, clock } = setting();
    const [a, b] = [start(), start()];
    const [one, two] = await Promise.all([a.current(), b.current()]);
    assert.notEqual(one.id, two.id);
    for (const ring of [a, b, a, b]) {
      clock.advance(5_000);
      await ring.find('unknown');
    }
    for (const ring of [a, b, start()]) for (const { id } of [one, two]) assert.ok(await knows(ring, id));
  });

  test('an unknown id costs one read of the store every 5 s', async () => {
    const { start, clock, counts } = setting();
    const ring = start();
    await ring.current();
    for (let count = 0; count < 100; count += 1) assert.equal(await ring.find(`made-up-${count}`), undefined);
    assert.equal(counts.reads, 1);
    clock.advance(5_000);
    await Promise.all(Array.from({ length: 100 }, (_, count) => ring.find(`made-up-${count}`)));
    assert.equal(counts.reads, 2);
  });

  for (const [what, content] of [
    ['no JSON', 'rubbish'],
    ['another document', '{"keys":[{"id":1}]}'],
    ['a key of a wrong length', '{"keys":[{"id":"a","key":"AAAA","createdAt":1}]}'],
  ] as const) {
    test(`a damaged document (${what}) means a new key and a warning`, async () => {
      const { start, store, log } = setting();
      store.documents.set(DOCUMENT, Buffer.from(content));
      const key = await start().current();
      assert.equal(log.filter((line) => line.includes('"event":"token-keys-damaged"')).length, 1);
      assert.ok(await knows(start(), key.id), 'it has been replaced');
    });
  }

  test('a store that cannot be read is not written over, and one that cannot be written costs nothing but a restart', async () => {
    const { start, fails, counts, store, log } = setting();
    const before = await start().current();
    fails.read = true;
    const ring = start();
    const own = await ring.current();
    assert.notEqual(own.id, before.id);
    assert.equal(counts.writes, 1);
    assert.ok(await knows(ring, own.id));
    delete fails.read;
    fails.write = true;
    store.documents.clear();
    const other = start();
    assert.ok(await knows(other, (await other.current()).id));
    assert.equal(log.filter((line) => line.includes('"level":"warn"')).length, 2);
  });

  test('a key that was made while the clock was wrong does not stay for ever', async () => {
    const { start, clock, store } = setting();
    const key = Buffer.alloc(32, 1).toString('base64url');
    const createdAt = clock.now() + 365 * 24 * HOUR;
    store.documents.set(DOCUMENT, Buffer.from(JSON.stringify({ keys: [{ id: 'future', key, createdAt }] })));
    const ring = start();
    assert.notEqual((await ring.current()).id, 'future');
    assert.ok(!(await knows(ring, 'future')));
  });
});
