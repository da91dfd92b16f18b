/**
 * Electors around a Lease of a real API server, each behind a proxy of its own that fails, delays and cuts it off, with clocks that
 * disagree. Their time passes faster, so a lease of 15 s expires in 1.5 s.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { sleep, systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { waitFor } from '../kit/wait.ts';
import { anyFault } from '../kube/any-fault.ts';
import type { FaultRule, ProxyFault } from '../kube/api-faults.ts';
import { startApiProxy, type ApiProxy } from '../kube/api-proxy.ts';
import { realTimeClientOf } from '../kube/client.ts';
import { startCompeting, type Competitor } from '../kube/competitor.ts';
import { createScaledClock } from '../kube/scaled-clock.ts';
import type { Network } from '../kube/machine.ts';
import { endpointOf, startRealApi, type RealApi } from '../kube/real-api.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const FACTOR = 10;
const RUNS = Number(process.env['LARDER_MODEL_RUNS'] ?? 4);

type Step = { readonly who: 'leader' | number } & (
  | { readonly do: 'network'; readonly network: Network }
  | { readonly do: 'delay'; readonly ms: number }
  | ({ readonly do: 'fault' } & Required<FaultRule<ProxyFault>>)
  | { readonly do: 'stop'; readonly workMs: number }
  | { readonly do: 'pass'; readonly ms: number }
);

const who = fc.constantFrom('leader' as const, 0, 1, 2);
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const step = fc.oneof(
  weighted(
    3,
    fc.record({ do: fc.constant('network'), who, network: fc.constantFrom('up', 'lost', 'refused') }),
  ),
  weighted(1, fc.record({ do: fc.constant('delay'), who, ms: fc.constantFrom(0, 20, 200, 600) })),
  weighted(
    3,
    fc.record({
      do: fc.constant('fault'),
      who,
      verb: fc.constantFrom('get', 'update', 'create'),
      fault: anyFault,
      times: fc.integer({ min: 1, max: 4 }),
    }),
  ),
  weighted(1, fc.record({ do: fc.constant('stop'), who, workMs: fc.constantFrom(0, 3000) })),
  weighted(
    6,
    fc.record({ do: fc.constant('pass'), who: fc.constant(0), ms: fc.constantFrom(50, 300, 2000) }),
  ),
);

describe('electors at a real API server', requireParts(GROUPS.api), () => {
  let api: RealApi;
  before(async () => {
    api = await startRealApi();
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
  });

  for (const count of [2, 3]) {
    test(`property: of ${count} replicas never two lead during any faults; one does after them`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 16 }), async (steps) => {
          await using replicas = await startReplicas(api, count);
          for (const one of steps) {
            replicas.restart();
            const [leader] = replicas.leaders();
            const replica = one.who === 'leader' ? leader : replicas.all[one.who % count];
            if (replica !== undefined) await take(one, replica);
          }
          for (const { proxy } of replicas.all) {
            proxy.faults.clear();
            proxy.link.network = 'up';
            proxy.link.latencyMs = 0;
          }
          const oneLeads = (): boolean => {
            replicas.restart();
            return replicas.leaders().length === 1;
          };
          await waitFor(oneLeads, { what: 'a leader', limitMs: 15_000 });
          assert.deepEqual(replicas.breaches, []);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
    });
  }

  test('a leader without a network ends its work before another begins, and its program ends', async () => {
    await using replicas = await startReplicas(api, 2);
    await waitFor(() => replicas.leaders().length === 1);
    const [first] = replicas.leaders();
    assert.ok(first);
    const { competitor } = first;
    first.proxy.link.network = 'lost';
    await waitFor(() => competitor.ended === 'lost', { what: 'the end of the program' });
    assert.deepEqual(replicas.leaders(), []);
    await waitFor(() => replicas.leaders().length === 1);
    assert.notEqual(replicas.leaders()[0], first);
    assert.deepEqual(replicas.breaches, []);
  });

  test('a leader that stops is followed within 3 s of real time', async () => {
    await using replicas = await startReplicas(api, 3, 1);
    await waitFor(() => replicas.leaders().length === 1);
    const times: number[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      const [first] = replicas.leaders();
      first?.competitor.stop();
      await waitFor(() => first?.competitor.ended === 'stopped');
      const stoppedAt = systemClock.monotonic();
      await waitFor(() => replicas.leaders().length === 1);
      times.push(systemClock.monotonic() - stoppedAt);
    }
    // Waiting replicas read the Lease every 2 to 2.5 s. The machine may be busy, so one of two attempts suffices.
    assert.ok(Math.min(...times) < 3000, `${times.join(', ')} ms`);
    assert.deepEqual(replicas.breaches, []);
  });
});

async function take(one: Step, { proxy, competitor }: Replica): Promise<void> {
  switch (one.do) {
    case 'network':
      proxy.link.network = one.network;
      return;
    case 'delay':
      proxy.link.latencyMs = one.ms;
      return;
    case 'fault':
      proxy.faults.add(one);
      return;
    case 'stop':
      competitor.stop(one.workMs);
      return;
    case 'pass':
      await sleep(systemClock, one.ms);
  }
}

interface Replica {
  readonly proxy: ApiProxy;
  readonly competitor: Competitor;
}

/** The Pods of a Deployment. */
interface Replicas extends AsyncDisposable {
  readonly all: readonly Replica[];
  leaders(): readonly Replica[];
  /** Restarts ended programs under other names. */
  restart(): void;
  /** Programs whose work began while another's was running. */
  readonly breaches: readonly string[];
}

/** Starts `count` electors around a Lease of their own. */
async function startReplicas({ server }: RealApi, count: number, factor = FACTOR): Promise<Replicas> {
  await using cleanup = new AsyncDisposableStack();
  const lease = { namespace: 'test', name: `lease-${randomUUID()}` };
  const breaches: string[] = [];
  const all: { readonly proxy: ApiProxy; competitor: Competitor; readonly start: () => Competitor }[] = [];
  for (let index = 0; index < count; index += 1) {
    const proxy = cleanup.use(await startApiProxy(server.access));
    // Hours apart.
    const clock = createScaledClock({ factor, skewMs: index * 7_200_000 });
    const client = cleanup.use(realTimeClientOf(endpointOf(proxy.access), clock));
    const deps = {
      client,
      clock,
      logger: silentLogger,
      metrics: declareKubeMetrics(createMetricsRegistry()),
      random: Math.random,
    };
    const start = (): Competitor => {
      const identity = randomUUID();
      return startCompeting(deps, { lease, identity }, () => {
        for (const { competitor } of all)
          if (competitor.leadership !== undefined) breaches.push(`${identity} beside ${competitor.name}`);
      });
    };
    all.push({ proxy, start, competitor: start() });
  }
  const resources = cleanup.move();
  return {
    all,
    leaders: () => all.filter(({ competitor }) => competitor.leadership?.isLive()),
    restart() {
      for (const one of all) if (one.competitor.ended !== undefined) one.competitor = one.start();
    },
    breaches,
    async [Symbol.asyncDispose]() {
      for (const { competitor, proxy } of all) {
        proxy.link.network = 'refused';
        competitor.stop();
      }
      await waitFor(() => all.every(({ competitor }) => competitor.ended !== undefined));
      await resources.disposeAsync();
    },
  };
}
