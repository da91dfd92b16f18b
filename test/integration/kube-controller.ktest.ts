/**
 * A controller at a real API server behind a faulty proxy, while people change widgets, break its objects and restart it. After that the
 * world is as the widgets want it, no foreign object was touched, and every deletion has ended.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { sleep, systemClock } from '../../src/kit/clock.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { isNotFound } from '../../src/kube/kube-error.ts';
import type { KubeClient } from '../../src/kube/types.ts';
import { waitFor } from '../kit/wait.ts';
import { anyFault } from '../kube/any-fault.ts';
import type { FaultRule, ProxyFault } from '../kube/api-faults.ts';
import { startApiProxy, type ApiProxy } from '../kube/api-proxy.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { configMap, forever, realTimeClientOf } from '../kube/client.ts';
import { createScaledClock } from '../kube/scaled-clock.ts';
import type { Network } from '../kube/machine.ts';
import { endpointOf, startRealApi, type RealApi } from '../kube/real-api.ts';
import { startWidgetController } from '../kube/widget-controller.ts';
import { widget, WIDGETS, type Widget } from '../kube/widgets.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const FACTOR = 50;
const RUNS = Number(process.env['LARDER_MODEL_RUNS'] ?? 15);

type Step =
  | { readonly do: 'put'; readonly name: string; readonly spec: NonNullable<Widget['spec']> }
  | { readonly do: 'remove' | 'drift' | 'loss'; readonly name: string }
  | ({ readonly do: 'fault' } & Required<FaultRule<ProxyFault>>)
  | { readonly do: 'break'; readonly how: 'cut' | 'end' | 'stall' }
  | { readonly do: 'network'; readonly network: Network }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart' };

/** `taken` is the name of a foreign object. */
const name = fc.constantFrom('a', 'b', 'taken');
const spec = fc.oneof(
  fc.record({ size: fc.nat(9) }),
  fc.record({ size: fc.nat(9), colour: fc.constantFrom('red', 'blue') }),
);
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const step = fc.oneof(
  weighted(6, fc.record({ do: fc.constant('put'), name, spec })),
  weighted(2, fc.record({ do: fc.constant('remove'), name })),
  weighted(3, fc.record({ do: fc.constantFrom('drift', 'loss'), name: fc.constantFrom('a', 'b') })),
  weighted(
    6,
    fc.record({
      do: fc.constant('fault'),
      verb: fc.constantFrom('watch', 'list', 'get', 'patch', 'patch', 'delete'),
      fault: anyFault,
      times: fc.integer({ min: 1, max: 3 }),
    }),
  ),
  weighted(3, fc.record({ do: fc.constant('break'), how: fc.constantFrom('cut', 'end', 'stall') })),
  weighted(2, fc.record({ do: fc.constant('network'), network: fc.constantFrom('up', 'lost', 'refused') })),
  weighted(5, fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(5, 50, 150) })),
  weighted(1, fc.record({ do: fc.constant('restart') })),
);

describe('a controller at a real API server', requireParts(GROUPS.api), () => {
  let api: RealApi;
  let direct: ReturnType<typeof realTimeClientOf>;
  before(async () => {
    api = await startRealApi();
    direct = realTimeClientOf(api.endpoint, systemClock);
    for (const one of FOREIGN) await direct.create(CONFIG_MAPS, one, forever());
  });
  after(async () => {
    await direct.close();
    await api[Symbol.asyncDispose]();
  });

  test('property: after any faults the world is as wanted, and no more requests are sent', async () => {
    const foreign = await foreignObjects(direct);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        await using it = await startControlling(api);
        for (const one of steps) await take(one, it, direct);
        it.proxy.faults.clear();
        it.proxy.link.network = 'up';
        await converged(direct);
        for (const one of ['a', 'b']) await take({ do: 'drift', name: one }, it, direct);
        await converged(direct);
        assert.deepEqual(await foreignObjects(direct), foreign);
        const asked = it.proxy.requests().length;
        assert.ok(asked < 100 + 20 * steps.length, `${asked} requests`);
        await quiet(it.proxy);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

/** Edits of people to objects of the controller. */
const DRIFT = [{ op: 'add', path: '/data/size', value: 'drifted' }] as const;

const FOREIGN = [configMap('widget-taken', { a: '1' }, 'test'), configMap('other', { a: '1' }, 'test')];

/** Objects as they are, with their versions. */
function foreignObjects(direct: KubeClient): Promise<readonly object[]> {
  return Promise.all(FOREIGN.map(({ metadata }) => direct.get(CONFIG_MAPS, metadata, forever())));
}

interface Controlling extends AsyncDisposable {
  readonly proxy: ApiProxy;
  restart(): Promise<void>;
}

async function startControlling({ server }: RealApi): Promise<Controlling> {
  await using cleanup = new AsyncDisposableStack();
  const proxy = cleanup.use(await startApiProxy(server.access));
  const clock = createScaledClock({ factor: FACTOR });
  const client = cleanup.use(realTimeClientOf(endpointOf(proxy.access), clock));
  const start = () =>
    startWidgetController({ client, clock, metrics: declareKubeMetrics(createMetricsRegistry()) });
  let controller = start();
  const resources = cleanup.move();
  return {
    proxy,
    async restart() {
      await controller.stop();
      controller = start();
    },
    async [Symbol.asyncDispose]() {
      await controller.stop();
      await resources.disposeAsync();
    },
  };
}

async function take(one: Step, it: Controlling, direct: KubeClient): Promise<void> {
  const { proxy } = it;
  const apply = { ...forever(), fieldManager: 'person', force: true };
  const made = { namespace: 'test', name: `widget-${'name' in one ? one.name : ''}` };
  switch (one.do) {
    case 'put':
      await direct.apply(WIDGETS, widget(one.name, one.spec), apply);
      return;
    case 'remove':
      return direct.delete(WIDGETS, { namespace: 'test', name: one.name }, forever());
    case 'drift':
      await direct.patch(CONFIG_MAPS, made, DRIFT, forever()).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      return;
    case 'loss':
      return direct.delete(CONFIG_MAPS, made, forever());
    case 'fault':
      proxy.faults.add(one);
      return;
    case 'break':
      for (const watch of proxy.watches) watch[one.how]();
      return;
    case 'network':
      proxy.link.network = one.network;
      return;
    case 'pass':
      return sleep(systemClock, one.ms);
    case 'restart':
      return it.restart();
  }
}

/** Waits until the world is as wanted. */
async function converged(direct: KubeClient): Promise<void> {
  let last: string | undefined;
  const isSo = async (): Promise<boolean> => (last = await difference(direct)) === undefined;
  await waitFor(isSo, { limitMs: 30_000, everyMs: 20 }).catch(() => assert.fail(last));
}

/** First deviation of the world from what is wanted. Undefined if there is none. */
async function difference(direct: KubeClient): Promise<string | undefined> {
  const { items: widgets } = await direct.list(WIDGETS, { namespace: 'test' }, forever());
  const { items: configMaps } = await direct.list(CONFIG_MAPS, { namespace: 'test' }, forever());
  const leaving = widgets.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  if (leaving.length > 0) return `${leaving.length} widgets have not gone yet`;
  const wanted = widgets
    .filter(({ metadata }) => metadata.name !== 'taken')
    .map(({ metadata, spec: { size, colour } = {} }) => ({
      name: `widget-${metadata.name}`,
      owner: metadata.uid,
      size: String(size),
      colour,
    }));
  const found = configMaps
    .filter(({ metadata }) => metadata.ownerReferences !== undefined)
    .map(({ metadata, data }) => ({
      name: metadata.name,
      owner: metadata.ownerReferences?.[0]?.uid,
      size: data?.['size'],
      colour: data?.['colour'],
    }));
  const [a, b] = [JSON.stringify(wanted), JSON.stringify(found)];
  if (a !== b) return `wanted ${a}, found ${b}`;
  const unreported = widgets.filter(
    ({ metadata, status }) => metadata.name !== 'taken' && status?.phase !== 'Ready',
  );
  return unreported.length > 0 ? `${unreported.length} widgets have no status` : undefined;
}

/** Waits until only watches have been requested for 250 ms, which are 12 s of the controller's. */
async function quiet(proxy: ApiProxy): Promise<void> {
  const others = (): number => proxy.requests().filter(({ verb }) => verb !== 'watch').length;
  await waitFor(
    async () => {
      const asked = others();
      await sleep(systemClock, 250);
      return others() === asked;
    },
    { what: 'a controller that has nothing to do' },
  );
}
