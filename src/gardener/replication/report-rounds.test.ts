import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { REPORT_CONFIG_MAP, REPORT_KEY } from '../../fleet/cluster-report.ts';
import { ManualClock, type Clock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { LEASES } from '../../kube/leader-election/lease.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import { microTime } from '../../kube/time.ts';
import type { KubeObject, MergePatch, Resource } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';
import { EXTENSIONS, type Extension } from '../extensions/resources.ts';
import type { WatchedExtensions } from '../extensions/watched-extensions.ts';
import { CLUSTERS } from '../shoots/cluster.ts';
import { createReportRounds } from './report-rounds.ts';

import { OPERATOR } from './shoot-place.ts';

const NAMESPACE = 'shoot--p--s';
const KEY = { namespace: NAMESPACE, name: 'registry-cache' };
const OTHER = {
  type: 'Other',
  status: 'True',
  reason: 'R',
  message: 'm',
  lastTransitionTime: 't',
  lastUpdateTime: 't',
};
const REPORT = {
  objects: 1,
  caches: 1,
  serving: 1,
  failing: 0,
  conflicting: 0,
  nodes: 1,
  following: 1,
  revision: 1,
};
const signal = new AbortController().signal;

const KUBECONFIG = JSON.stringify({
  'current-context': 's',
  contexts: [{ name: 's', context: { cluster: 's', user: 's' } }],
  clusters: [{ name: 's', cluster: { server: 'https://s' } }],
  users: [{ name: 's', user: { token: 't' } }],
});

async function startWorld() {
  const clock = new ManualClock();
  const seed = createMemoryKube(clock);
  const shoot = createMemoryKube(clock);
  const inSeed = seed.client();
  const inShoot = shoot.client();
  let isUnreachable = false;
  let wants = true;
  let connections = 0;
  let roundEnds = (): void => {};
  /** Knows when a round is over: only the pause between two is longer than a call may take. */
  const roundClock: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after(ms, callback) {
      if (ms > 10_000) roundEnds();
      return clock.after(ms, callback);
    },
  };

  const put = async <T extends KubeObject>(client: typeof inSeed, resource: Resource<T>, object: object) => {
    const apiVersion = [resource.group, resource.version].filter((part) => part !== '').join('/');
    const sent = { apiVersion, kind: resource.kind, ...object } as T;
    await client.delete(resource, sent.metadata, { signal });
    await client.create(resource, sent, { signal });
  };
  const setConfig = async (enabled: boolean) => {
    wants = enabled;
    const providerConfig = { registryConfigReplication: { enabled } };
    await inSeed.mergePatch(EXTENSIONS, KEY, { spec: { providerConfig } }, { signal });
  };
  const setStatus = (status: MergePatch) =>
    inSeed.mergePatch(EXTENSIONS, KEY, { status }, { signal, subresource: 'status' });

  await put(inSeed, EXTENSIONS, { metadata: KEY, spec: { type: 'registry-cache' } });
  await setConfig(true);
  await setStatus({ lastOperation: { state: 'Succeeded' } });
  await put(inSeed, CLUSTERS, { metadata: { name: NAMESPACE }, spec: { shoot: {} } });
  await put(inSeed, SECRETS, {
    metadata: { namespace: NAMESPACE, name: 'gardener-internal' },
    data: { kubeconfig: Buffer.from(KUBECONFIG).toString('base64') },
  });

  const find = (): Promise<Extension> => inSeed.get(EXTENSIONS, KEY, { signal });
  const watched = {
    whenSynced: async () => {},
    extensions: {
      list: () => [
        {
          metadata: KEY,
          facts: { type: 'registry-cache', isDeleted: false },
          wantsReplication: wants,
          hasReport: true,
        },
      ],
    },
  } as unknown as WatchedExtensions;
  const rounds = createReportRounds(
    {
      client: inSeed,
      clock: roundClock,
      logger: silentLogger,
      watched,
      connect: () => {
        connections += 1;
        if (isUnreachable) throw new Error('no route');
        return { ...inShoot, watch: () => assert.fail(), close: async () => {} };
      },
    },
    { shootAddress: 'internal' },
  );

  return {
    clock,
    find,
    setConfig,
    setStatus,
    connections: () => connections,
    patches: () => seed.count('patch', 'extensions'),
    cut: (isCut: boolean) => (isUnreachable = isCut),
    report: (data: unknown) =>
      put(inShoot, CONFIG_MAPS, {
        metadata: { namespace: LARDER_NAMESPACE, name: REPORT_CONFIG_MAP },
        data: { [REPORT_KEY]: typeof data === 'string' ? data : JSON.stringify(data) },
      }),
    renew: () =>
      put(inShoot, LEASES, {
        metadata: { namespace: LARDER_NAMESPACE, name: OPERATOR },
        spec: { renewTime: microTime(clock.now()) },
      }),
    hibernate: (enabled: boolean) =>
      put(inSeed, CLUSTERS, {
        metadata: { name: NAMESPACE },
        spec: { shoot: { spec: { hibernation: { enabled } } } },
      }),
    /** Runs one round, and gives the reason and status of the condition. */
    async round(): Promise<string | undefined> {
      const stop = new AbortController();
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      roundEnds = resolve;
      const running = rounds.run(stop.signal);
      await ended;
      stop.abort();
      await running;
      const found = (await find()).status?.conditions?.find(({ type }) => type === 'RegistryConfigs');
      return found && `${found.status} ${found.reason}`;
    },
  };
}

describe('the condition of a shoot', () => {
  test('follows the report, and is written only when it changes', async () => {
    const world = await startWorld();
    assert.equal(await world.round(), 'Unknown NoReport');
    await world.report(REPORT);
    await world.renew();
    assert.equal(await world.round(), 'True NoneFailing');
    const before = world.patches();
    assert.equal(await world.round(), 'True NoneFailing');
    assert.equal(world.patches(), before);
    await world.report({ ...REPORT, failing: 1, serving: 0 });
    assert.equal(await world.round(), 'False CachesFailing');
    assert.equal(world.patches(), before + 1);
  });

  test('is Unknown for a report that is no report, too large, or of an operator that is silent', async () => {
    const world = await startWorld();
    await world.renew();
    for (const data of ['{', '[]', { ...REPORT, nodes: -1 }, { ...REPORT, nodes: 'x' }]) {
      await world.report(data);
      assert.equal(await world.round(), 'Unknown ReportInvalid', JSON.stringify(data));
    }
    await world.report(JSON.stringify(REPORT).padEnd(5000));
    assert.equal(await world.round(), 'Unknown ReportTooLarge');
    await world.report(REPORT);
    assert.equal(await world.round(), 'True NoneFailing');
    world.clock.advance(300_000);
    assert.equal(await world.round(), 'Unknown OperatorSilent');
  });

  test('says that a shoot is hibernated, whose API server is not asked again before it is awake', async () => {
    const world = await startWorld();
    await world.report(REPORT);
    await world.renew();
    world.cut(true);
    assert.equal(await world.round(), 'Unknown ShootUnreachable');
    await world.hibernate(true);
    assert.equal(await world.round(), 'Unknown ShootHibernated');
    const before = world.connections();
    assert.equal(await world.round(), 'Unknown ShootHibernated');
    assert.equal(world.connections(), before);
    await world.hibernate(false);
    world.cut(false);
    assert.equal(await world.round(), 'True NoneFailing');
  });

  test('leaves everything else of the status as it is, and goes with replication', async () => {
    const world = await startWorld();
    await world.setStatus({ conditions: [OTHER], providerStatus: { a: 1 } });
    await world.round();
    const { status } = await world.find();
    assert.deepEqual(
      status?.conditions?.map(({ type }) => type),
      ['Other', 'RegistryConfigs'],
    );
    assert.deepEqual(status?.providerStatus, { a: 1 });
    assert.deepEqual(status?.lastOperation, { state: 'Succeeded' });
    await world.setConfig(false);
    assert.equal(await world.round(), undefined);
    assert.deepEqual((await world.find()).status?.conditions, [OTHER]);
  });
});
