/**
 * The law of `test/kube/reflector-model.test.ts` at a real API server behind a faulty proxy. After the faults the store equals the server,
 * handlers received an unbroken story of each object, and whole states were requested no more often than necessary.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { createObjectStore } from '../../src/kube/informer/object-store.ts';
import { createReflector } from '../../src/kube/informer/reflector.ts';
import type { Intent, KubeClient, KubeObject, Resource } from '../../src/kube/types.ts';
import { parseMetrics } from '../kit/metrics.ts';
import { waitFor } from '../kit/wait.ts';
import { anyFault } from '../kube/any-fault.ts';
import type { FaultRule, ProxyFault } from '../kube/api-faults.ts';
import { startApiProxy, type ApiProxy } from '../kube/api-proxy.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { configMap, forever, realTimeClientOf } from '../kube/client.ts';
import { compactEtcd } from '../kube/compact-etcd.ts';
import { createScaledClock } from '../kube/scaled-clock.ts';
import { endpointOf, startRealApi, type RealApi } from '../kube/real-api.ts';
import { followStory, type Story } from '../kube/story.ts';
import { textOfList } from '../kube/text-of-list.ts';
import { widget, WIDGETS } from '../kube/widgets.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

/** 180 s of silence are 3.6 s. */
const FACTOR = 50;
const RUNS = Number(process.env['LARDER_MODEL_RUNS'] ?? 12);

type Step =
  | { readonly do: 'put'; readonly name: string; readonly value: number }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'break'; readonly how: 'cut' | 'end' | 'stall' }
  | ({ readonly do: 'fault'; readonly isNow: boolean } & Required<FaultRule<ProxyFault>>)
  | { readonly do: 'network'; readonly network: 'refused' | 'lost' | 'up' }
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'compact' }
  | { readonly do: 'pass'; readonly ms: number };

const name = fc.constantFrom('a', 'b', 'c');
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const step = fc.oneof(
  weighted(6, fc.record({ do: fc.constant('put'), name, value: fc.nat(3) })),
  weighted(3, fc.record({ do: fc.constant('remove'), name })),
  weighted(3, fc.record({ do: fc.constant('break'), how: fc.constantFrom('cut', 'end', 'stall') })),
  weighted(
    4,
    fc.record({
      do: fc.constant('fault'),
      verb: fc.constantFrom('watch', 'watch', 'list'),
      fault: anyFault,
      times: fc.integer({ min: 1, max: 2 }),
      isNow: fc.constantFrom(true, true, false),
    }),
  ),
  weighted(2, fc.record({ do: fc.constant('network'), network: fc.constantFrom('refused', 'lost', 'up') })),
  weighted(1, fc.record({ do: fc.constant('delay'), ms: fc.nat(30) })),
  weighted(1, fc.record({ do: fc.constant('compact') })),
  weighted(5, fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(5, 20, 80) })),
);

interface Kind<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly make: (name: string, value: number) => Intent<T>;
}

describe('at a real API server', requireParts(GROUPS.api), () => {
  let api: RealApi;
  let direct: ReturnType<typeof realTimeClientOf>;
  before(async () => {
    // ConfigMaps come from etcd itself, so compacted versions are gone; widgets come from the server's cache.
    api = await startRealApi({ flags: { 'watch-cache-sizes': 'configmaps#0' } });
    direct = realTimeClientOf(api.endpoint, systemClock);
  });
  after(async () => {
    await direct.close();
    await api[Symbol.asyncDispose]();
  });

  function property<T extends KubeObject>(from: string, kind: Kind<T>): void {
    test(`property: after any faults the store equals the server, from ${from}`, async () => {
      const steps = fc.array(step, { minLength: 10, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          await using it = await startReflecting(api, kind.resource);
          for (const one of all) await take(one, kind, it, { api, direct });
          it.proxy.faults.clear();
          it.proxy.link.network = 'up';
          it.proxy.link.latencyMs = 0;
          await it.current(direct);
          assert.deepEqual(it.breaches, []);
          assert.deepEqual(new Set(it.known()), new Set(it.objects()));
          const [relists, due] = [await it.relists(), 1 + all.reduce((sum, one) => sum + expiriesOf(one), 0)];
          assert.ok(relists <= due, `${relists} whole states where ${due} would do`);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
    });
  }
  property('its watch cache', { resource: WIDGETS, make: (one, size) => widget(one, { size }) });
  property('etcd', {
    resource: CONFIG_MAPS,
    make: (one, value) => configMap(one, { value: String(value) }, 'test'),
  });

  test('a version that etcd has compacted between two watches takes one new list', async () => {
    await using it = await startReflecting(api, CONFIG_MAPS);
    await it.current(direct);
    it.proxy.link.network = 'refused';
    const { metadata } = await direct.create(CONFIG_MAPS, configMap('gone', {}, 'test'), forever());
    await direct.delete(CONFIG_MAPS, metadata, forever());
    await direct.create(CONFIG_MAPS, configMap('new', {}, 'test'), forever());
    await compactEtcd(api.server.etcd);
    it.proxy.link.network = 'up';
    await it.current(direct);
    assert.equal(await it.relists(), 2);
    assert.deepEqual(it.breaches, []);
    assert.ok(!it.changes.join().includes('gone'));
  });

  test('a version that etcd has compacted in part takes one too, although the API server never calls it expired', async () => {
    const made = await direct.create(CONFIG_MAPS, configMap('replaced', {}, 'test'), forever());
    await using it = await startReflecting(api, CONFIG_MAPS);
    await it.current(direct);
    it.proxy.link.network = 'refused';
    await direct.replace(CONFIG_MAPS, { ...made, data: { value: 'next' } }, forever());
    await compactEtcd(api.server.etcd);
    it.proxy.link.network = 'up';
    await it.current(direct);
    assert.equal(await it.relists(), 2);
    assert.deepEqual(it.breaches, []);
  });
});

/**
 * Limit of the whole states that a step may cost: versions that are too old, that the server cannot interpret, or that it fails at three
 * times.
 */
function expiriesOf(one: Step): number {
  if (one.do === 'compact') return 1;
  if (one.do !== 'fault') return 0;
  const { fault, times } = one;
  if (fault.kind === 'expired-event') return times;
  if (fault.kind !== 'status') return 0;
  return times * (({ 400: 1, 410: 1, 500: 1 / 3 } as Record<number, number>)[fault.status] ?? 0);
}

interface Reflecting<T> extends AsyncDisposable, Story<T> {
  readonly proxy: ApiProxy;
  objects(): readonly T[];
  relists(): Promise<number>;
  /** Waits until the reflector watches and the store equals the server. */
  current(direct: KubeClient): Promise<void>;
}

/** A reflector of the namespace `test` behind a proxy of its own. */
async function startReflecting<T extends KubeObject>(
  { server }: RealApi,
  resource: Resource<T>,
): Promise<Reflecting<T>> {
  const clock = createScaledClock({ factor: FACTOR });
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const proxy = await startApiProxy(server.access);
  const client = realTimeClientOf(endpointOf(proxy.access), clock);
  const { store, writer } = createObjectStore<T>({ logger: silentLogger }, { freeze: true });
  const story = followStory(store);
  const reflector = createReflector(
    { client, clock, logger: silentLogger, metrics, random: Math.random },
    { resource, query: { namespace: 'test' } },
    writer,
  );
  const controller = new AbortController();
  const running = reflector.run(controller.signal);
  return {
    ...story,
    proxy,
    objects: () => store.list(),
    relists: async () => parseMetrics(await metrics.registry.metrics()).sum('larder_kube_relists_total'),
    async current(direct) {
      const { items } = await direct.list(resource, { namespace: 'test' }, forever());
      const expected = textOfList(items);
      await waitFor(() => proxy.watches.length > 0 && textOfList(store.list()) === expected, {
        what: 'the store to equal the server',
        limitMs: 20_000,
      });
    },
    async [Symbol.asyncDispose]() {
      controller.abort(new Error('enough'));
      await running;
      await client.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

async function take<T extends KubeObject>(
  one: Step,
  { resource, make }: Kind<T>,
  { proxy }: Reflecting<T>,
  { api, direct }: { readonly api: RealApi; readonly direct: KubeClient },
): Promise<void> {
  switch (one.do) {
    case 'put':
      await direct.apply(resource, make(one.name, one.value), {
        ...forever(),
        fieldManager: 'person',
        force: true,
      });
      return;
    case 'remove':
      return direct.delete(resource, { namespace: 'test', name: one.name }, forever());
    case 'break':
      for (const watch of proxy.watches) watch[one.how]();
      return;
    case 'fault':
      proxy.faults.add(one);
      if (one.isNow) for (const watch of proxy.watches) watch.cut();
      return;
    case 'network':
      proxy.link.network = one.network;
      return;
    case 'delay':
      proxy.link.latencyMs = one.ms;
      return;
    case 'compact':
      return compactEtcd(api.server.etcd);
    case 'pass':
      await new Promise((resolve) => systemClock.after(one.ms, () => resolve(undefined)));
  }
}
