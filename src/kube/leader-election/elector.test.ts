import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createWorld, LEASE, type Candidate } from '../../../test/kube/electors.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareKubeMetrics } from '../metrics.ts';
import { LEASES } from './lease.ts';

const never = new AbortController().signal;
const leaders = (candidates: readonly Candidate[]): string[] =>
  candidates.filter((one) => one.leads).map((one) => one.name);

test('one of three that start together leads, and renews every 2 s without reading', async () => {
  const world = createWorld();
  const all = ['a', 'b', 'c'].map((name) => world.start(name));
  await world.pass(1000);
  assert.equal(leaders(all).length, 1);
  const lease = await world.lease();
  assert.equal(lease?.spec?.holderIdentity, leaders(all)[0]);
  assert.equal(lease?.spec?.leaseDurationSeconds, 15);
  assert.match(lease?.spec?.renewTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const before = world.kube.count('replace');
  await world.pass(60_000);
  assert.equal(leaders(all).length, 1);
  assert.ok(Math.abs(world.kube.count('replace') - before - 30) <= 1);
  const leader = leaders(all)[0];
  assert.equal(
    world.kube.requests.filter(({ verb, manager }) => verb === 'get' && manager === leader).length,
    1,
  );
});

test('a leader that stops releases the lease after its work has ended, and the next leads within 3 s', async () => {
  const world = createWorld();
  const a = world.start('a');
  await world.pass(1000);
  const b = world.start('b');
  await world.pass(10_000);
  a.stop(20_000);
  await world.pass(19_000);
  assert.deepEqual(leaders([a, b]), ['a']);
  await world.pass(1_500);
  assert.equal(a.ended, 'stopped');
  await world.pass(2_750);
  assert.deepEqual(leaders([a, b]), ['b']);
  assert.equal((await world.lease())?.spec?.leaseTransitions, 1);
});

test('a leader whose work fails keeps the lease until it expires, since some of its work may go on', async () => {
  const world = createWorld();
  const a = world.start('a');
  await world.pass(1000);
  const b = world.start('b');
  await world.pass(10_000);
  a.stop(0, 'fails');
  await world.pass(250);
  assert.equal(a.ended, 'failed');
  await world.pass(12_000, () => assert.deepEqual(leaders([a, b]), []));
  await world.pass(8_000);
  assert.deepEqual(leaders([a, b]), ['b']);
});

test('a waiting replica stops at once and does not touch the lease', async () => {
  const world = createWorld();
  const a = world.start('a');
  await world.pass(1000);
  const b = world.start('b');
  await world.pass(10_000);
  b.stop();
  await world.pass(250);
  assert.equal(b.ended, 'stopped');
  assert.deepEqual(leaders([a, b]), ['a']);
});

for (const network of ['lost', 'refused'] as const) {
  test(`a leader whose network is ${network} ends after 10 s, and another leads only then, within 20 s`, async () => {
    const world = createWorld();
    const a = world.start('a');
    await world.pass(1000);
    const b = world.start('b');
    await world.pass(9_000);
    a.machine.network = network;
    await world.pass(7_500);
    assert.deepEqual(leaders([a, b]), ['a']);
    await world.pass(3_000);
    assert.deepEqual(leaders([a, b]), []);
    await world.pass(10_000);
    assert.deepEqual([leaders([a, b]), a.ended], [['b'], 'lost']);
  });
}

test('clocks that are hours apart change nothing', async () => {
  const world = createWorld();
  const all = [world.start('early', -7_200_000), world.start('late', 7_200_000)];
  await world.pass(1000);
  const [first] = leaders(all);
  await world.pass(120_000, () => assert.deepEqual(leaders(all), [first]));
});

test('an outage of 6 s is survived, with one leader all the time', async () => {
  const world = createWorld();
  const all = [world.start('a'), world.start('b')];
  await world.pass(5000);
  const [first] = leaders(all);
  for (const { machine } of all) machine.network = 'lost';
  await world.pass(6_000);
  for (const { machine } of all) machine.network = 'up';
  await world.pass(60_000, () => assert.deepEqual(leaders(all), [first]));
});

test('while the API server is down for two minutes no replica leads; then one does, and the former leader has ended', async () => {
  const world = createWorld();
  const all = ['a', 'b', 'c'].map((name) => world.start(name));
  await world.pass(5000);
  const [first] = leaders(all);
  for (const { machine } of all) machine.network = 'refused';
  await world.pass(10_000);
  await world.pass(110_000, () => assert.deepEqual(leaders(all), []));
  for (const { machine } of all) machine.network = 'up';
  // The waiting replicas see the last renewals before the outage late, and wait for another whole lease.
  await world.pass(20_000);
  assert.equal(leaders(all).length, 1);
  assert.notEqual(leaders(all)[0], first);
  assert.equal(all.find(({ name }) => name === first)?.ended, 'lost');
});

test('a foreign edit of the Lease costs a 409 and not the leadership', async () => {
  const world = createWorld();
  const all = [world.start('a'), world.start('b')];
  await world.pass(5000);
  const [first] = leaders(all);
  for (const note of ['1', '2', '3', '4', '5']) {
    const lease = await world.direct.get(LEASES, LEASE, { signal: never });
    const metadata = { ...lease.metadata, annotations: { note } };
    await world.direct.replace(LEASES, { ...lease, metadata }, { signal: never });
    await world.pass(3_000, () => assert.deepEqual(leaders(all), [first]));
  }
  assert.equal((await world.lease())?.metadata.annotations?.['note'], '5');
});

test('a deleted Lease is created by the leader, and not by replicas that knew it was held', async () => {
  const world = createWorld(() => 0);
  const all = [world.start('a'), world.start('b'), world.start('c')];
  await world.pass(5000);
  const [first] = leaders(all);
  await world.direct.delete(LEASES, LEASE, { signal: never });
  await world.pass(30_000, () => assert.deepEqual(leaders(all), [first]));
});

test('a leader that finds another identity in the Lease ends at its next renewal', async () => {
  const world = createWorld();
  const a = world.start('a');
  await world.pass(5000);
  const lease = await world.direct.get(LEASES, LEASE, { signal: never });
  const spec = { ...lease.spec, holderIdentity: 'usurper' };
  await world.direct.replace(LEASES, { ...lease, spec }, { signal: never });
  await world.pass(2_500);
  assert.equal(a.leads, false);
  await world.pass(5_000);
  assert.equal(a.ended, 'lost');
});

describe('a leader whose event loop is blocked', () => {
  test('beyond the deadline may not work from its first moment on, since another may lead', async () => {
    const world = createWorld();
    const a = world.start('a');
    await world.pass(1000);
    const b = world.start('b');
    await world.pass(9_000);
    const { leadership } = a;
    assert.equal(leadership?.isLive(), true);
    a.machine.block(30_000);
    await world.pass(29_750);
    assert.equal(b.leads, true);
    // Checked as by a callback that runs before the timer of the deadline.
    assert.equal(leadership?.signal.aborted, false);
    assert.equal(leadership?.isLive(), false);
    assert.equal(leadership?.signal.aborted, true);
    await world.pass(6_000);
    assert.deepEqual([a.ended, leaders([a, b])], ['lost', ['b']]);
  });

  test('for less keeps leading', async () => {
    const world = createWorld();
    const all = [world.start('a'), world.start('b')];
    await world.pass(5000);
    const [first] = leaders(all);
    for (let turn = 0; turn < 5; turn += 1) {
      all.find(({ name }) => name === first)?.machine.block(6_000);
      await world.pass(12_000, () => assert.deepEqual(leaders(all), [first]));
    }
  });
});

test('with any cuts, delays, skews, blocks and restarts never two lead at a time, and without them one does', async () => {
  const fault = fc.record({
    afterMs: fc.nat(8_000),
    who: fc.nat(2),
    network: fc.option(fc.constantFrom('up' as const, 'lost' as const, 'refused' as const), {
      nil: undefined,
    }),
    latencyMs: fc.option(fc.nat(7_000), { nil: undefined }),
    // Less than the 5 s between the leader's deadline and that of the waiting replicas.
    blockMs: fc.option(fc.nat(4_500), { nil: undefined }),
    stop: fc.boolean(),
  });
  const skews = fc.tuple(fc.integer({ min: -1e7, max: 1e7 }), fc.nat(1e7), fc.constant(0));
  // One for all runs: each set watches the whole process.
  const metrics = declareKubeMetrics(createMetricsRegistry());
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { minLength: 1, maxLength: 25 }),
      skews,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (faults, skews, randoms) => {
        const world = createWorld(() => randoms.next().value as number, metrics);
        const all = skews.map((skew, index) => world.start(`${index}-0`, skew));
        let restarts = 0;
        const check = (): void => {
          assert.ok(leaders(all).length <= 1, `${leaders(all).join(' and ')} lead`);
          for (const [index, one] of all.entries()) {
            if (one.ended === undefined) continue;
            const next = world.start(`${index}-${++restarts}`, skews[index]);
            next.machine.network = one.machine.network;
            all[index] = next;
          }
        };
        for (const { afterMs, who, network, latencyMs, blockMs, stop } of faults) {
          await world.pass(afterMs, check);
          const { machine } = all[who] as Candidate;
          if (network !== undefined) machine.network = network;
          if (latencyMs !== undefined) machine.latencyMs = latencyMs;
          if (blockMs !== undefined) machine.block(blockMs);
          if (stop) all[who]?.stop(1_000);
        }
        for (const { machine } of all) [machine.network, machine.latencyMs] = ['up', 0];
        await world.pass(30_000, check);
        assert.equal(leaders(all).length, 1);
      },
    ),
    { numRuns: 60 },
  );
});
