import assert from 'node:assert/strict';
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  A,
  B,
  body,
  fill,
  keep,
  localStore,
  MIB,
  policies,
  type LocalStore,
} from '../../../test/store/harness.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { runs } from '../../../test/store/runs.ts';
import type { GarbageItem, GarbageOptions } from './maintenance.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;
const NONE = { ttlMs: 0, maxBytes: undefined };

async function collect(under: LocalStore, options: Partial<GarbageOptions> = {}) {
  const items: GarbageItem[] = [];
  const result = await under.store.maintenance.collectGarbage(
    { dryRun: false, policies: policies({}), maxBytes: undefined, ...options },
    never,
    (item) => void items.push(item),
  );
  return { result, items };
}

test('nothing is removed from a store in order, nor content of upstreams if the policies are not known', async () => {
  await using under = await localStore();
  await keep(under.store, body(1000), A);
  for (const known of [policies({}), undefined]) {
    const { result, items } = await collect(under, { policies: known });
    assert.deepEqual([result.objects, result.bytes, items], [0, 0, []]);
  }
});

test('partial bodies and quarantined files are removed; a running fill stays', async () => {
  await using under = await localStore();
  const running = await under.store.spool(body(5000, 1).digest, A, 5000);
  await running.append([body(5000, 1).content.subarray(0, 2000)]);
  const left = await under.store.spool(body(5000, 2).digest, B, 5000);
  await left.append([body(5000, 2).content.subarray(0, 3000)]);
  await left.suspend();
  await keep(under.store, body(700, 3));
  truncateSync(blobPath(under.directory, body(700, 3).digest), 600);
  assert.equal(await under.store.open(body(700, 3).digest), undefined);
  await under.store.discardRemains(body(700, 3).digest);
  const before = under.store.stats().bytes;
  const dry = await collect(under, { dryRun: true });
  assert.equal(under.store.stats().bytes, before);
  const { result, items } = await collect(under);
  assert.deepEqual(items, dry.items);
  assert.deepEqual({ ...result, storedBytes: 0 }, { ...dry.result, dryRun: false, storedBytes: 0 });
  // Includes the log of its sums.
  assert.deepEqual(result.reasons['leftover'], { objects: 1, bytes: 3016 });
  assert.deepEqual(result.reasons.quarantine, { objects: 1, bytes: 600 });
  assert.equal(before - under.store.stats().bytes, 3616);
  assert.deepEqual(readdirSync(join(under.directory, 'quarantine')), []);
  await running.append([body(5000, 1).content.subarray(2000)]);
  (await running.commit({ type: 'blob', repositoryId: A })).close();
});

test('content is removed with the share of its last upstream, and never while it is open', async () => {
  await using under = await localStore();
  const [shared, old, open] = [body(1000, 1), body(2000, 2), body(3000, 3)];
  await keep(under.store, shared, A);
  await keep(under.store, shared, B);
  await keep(under.store, old, B);
  const reader = await fill(under.store, open, B);
  const onlyA = new Map([['a.example', NONE]]);
  const { result, items } = await collect(under, { policies: onlyA });
  assert.deepEqual(result.reasons.unconfigured, { objects: 1, bytes: 2000 });
  assert.deepEqual(
    new Map(items.map(({ name, freedBytes, upstreams }) => [name, [freedBytes, ...upstreams]])),
    new Map<string, unknown>([
      [shared.digest, [0, 'b.example']],
      [old.digest, [2000, 'b.example']],
    ]),
  );
  assert.equal(under.store.presence(shared.digest, A), 'linked');
  assert.equal(under.store.presence(shared.digest, B), 'foreign');
  reader.close();
  assert.equal((await collect(under, { policies: onlyA })).result.bytes, 3000);
});

test('content unused for its ttl is removed, at that very time', async () => {
  await using under = await localStore();
  await keep(under.store, body(1000, 1));
  under.clock.advance(HOUR);
  await keep(under.store, body(2000, 2));
  const ttl = policies({ a: { ttlMs: HOUR } });
  assert.equal((await collect(under, { policies: ttl })).result.objects, 0);
  under.clock.advance(1);
  const { result, items } = await collect(under, { policies: ttl });
  assert.deepEqual(result.reasons.ttl, { objects: 1, bytes: 1000 });
  assert.equal(items[0]?.usedAt, under.clock.now() - HOUR - 1);
});

test('a store is brought below a smaller limit, the lowest worth first', async () => {
  await using under = await localStore();
  for (const seed of [1, 2, 3, 4]) {
    await keep(under.store, body(200_000, seed));
    under.clock.advance(HOUR);
  }
  const limit = under.store.stats().bytes - 300_000;
  const dry = await collect(under, { dryRun: true, maxBytes: limit });
  const { result, items } = await collect(under, { maxBytes: limit });
  assert.deepEqual(items, dry.items);
  assert.deepEqual(
    items.map(({ name }) => name),
    [body(200_000, 1).digest, body(200_000, 2).digest],
  );
  assert.deepEqual(result.reasons.budget, { objects: 2, bytes: 400_000 });
  assert.ok(under.store.stats().bytes <= limit);
});

test('a dry run changes nothing and reports what the run itself then does', async () => {
  const content = fc.record({
    size: fc.integer({ min: 1, max: 40_000 }),
    repositoryIds: fc.constantFrom([A], [B], [A, B]),
    ageHours: fc.nat(10),
  });
  const policy = fc.record({
    ttlMs: fc.constantFrom(0, HOUR, 4 * HOUR),
    maxBytes: fc.constantFrom(undefined, 30_000, 100_000),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(content, { maxLength: 12 }),
      fc.array(policy, { minLength: 1, maxLength: 2 }),
      fc.constantFrom(undefined, 0, 60_000),
      async (contents, generated, spare) => {
        await using under = await localStore({ maxBytes: 4 * MIB });
        for (const [seed, { size, repositoryIds, ageHours }] of contents
          .toSorted((a, b) => b.ageHours - a.ageHours)
          .entries()) {
          const ago = 10 * HOUR - ageHours * HOUR;
          under.clock.advance(Math.max(0, 1_700_000_000_000 + ago - under.clock.now()));
          for (const repositoryId of repositoryIds) await keep(under.store, body(size, seed), repositoryId);
        }
        const names = ['a.example', 'b.example'];
        const limits = new Map(generated.map((one, index) => [names[index] ?? '', one]));
        const overhead = under.store.stats().bytes - contents.reduce((sum, { size }) => sum + size, 0);
        const options = {
          policies: limits,
          maxBytes: spare === undefined ? undefined : overhead + spare,
        };
        const before = under.store.stats();
        const dry = await collect(under, { ...options, dryRun: true });
        assert.deepEqual(under.store.stats(), before);
        const { result, items } = await collect(under, options);
        assert.deepEqual(items, dry.items);
        assert.deepEqual(result.reasons, dry.result.reasons);
        const after = under.store.stats();
        assert.equal(before.bytes - after.bytes, result.bytes);
        assert.equal(before.objects - after.objects, result.objects);
        for (const { upstream, bytes } of after.perUpstream) {
          const limit = limits.get(upstream)?.maxBytes;
          assert.ok(bytes <= (limits.has(upstream) ? (limit ?? Infinity) : 0), `${upstream}: ${bytes}`);
        }
        assert.equal((await collect(under, options)).result.objects, 0, 'once is enough');
      },
    ),
    { numRuns: runs(8) },
  );
});
