/** `registryConfigReplication` in the life of a shoot, from end to end, with a scripted removal from the shoot. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TakeDown } from '../../src/gardener/replication/take-down.ts';
import { REPORT_CONFIG_MAP, REPORT_KEY } from '../../src/fleet/cluster-report.ts';
import { TAKEN_CONFIG_MAP, takenUpstreams } from '../../src/fleet/taken-upstreams.ts';
import {
  DEPLOYED_BY,
  OPERATOR_COMPONENT,
  SHOOT_COMPONENT,
} from '../../src/gardener/replication/shoot-place.ts';
import { LarderError } from '../../src/kit/errors.ts';
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { startCachesWorld, type CachesWorld } from './caches-world.ts';
import { FAST_CERTIFICATES } from './fast-certificates.ts';
import { manifestsOf, type AnyObject } from './recorded-snapshot.ts';

const NAMESPACE = 'shoot--p--inside';
const CACHES = 'registry-cache';
const MIRRORS = 'registry-mirror';
const OURS: readonly string[] = [OPERATOR_COMPONENT, SHOOT_COMPONENT];

function cachesOf(...upstreams: string[]): { caches: object[]; [field: string]: unknown } {
  const caches = upstreams.map((upstream) => ({ upstream, http: { tls: false } }));
  return {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    caches,
    registryConfigReplication: { enabled: true },
  };
}

const off = (...upstreams: string[]): object => ({
  ...cachesOf(...upstreams),
  registryConfigReplication: {},
});

function mirrorsOf(...upstreams: string[]): object {
  const mirrors = upstreams.map((upstream) => ({ upstream, hosts: [{ host: 'https://m.example' }] }));
  return { apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1', kind: 'MirrorConfig', mirrors };
}

interface Lab extends AsyncDisposable {
  readonly lab: CachesWorld;
  /** Calls of the removal from the shoot. */
  readonly takenDown: string[];
  apply(type: string, providerConfig: object): Promise<void>;
  settle(): Promise<void>;
  extension(type?: string): NonNullable<ReturnType<CachesWorld['world']['gardenlet']['find']>>;
  resource(name: string): AnyObject | undefined;
  manifests(name: string): readonly AnyObject[];
  taken(): readonly string[];
  report(revision: number): void;
  hibernate(enabled: boolean): void;
}

async function startLab(takeDown?: TakeDown): Promise<Lab> {
  const takenDown: string[] = [];
  const removal: TakeDown = async ({ seed }, { namespace }, signal) => {
    takenDown.push(namespace);
    for (const name of OURS) await seed.delete(MANAGED_RESOURCES, { namespace, name }, { signal });
  };
  const lab = await startCachesWorld({
    namespace: NAMESPACE,
    input: {},
    certificates: FAST_CERTIFICATES,
    takeDown: takeDown ?? removal,
  });
  lab.start();
  const { gardenlet } = lab.world;
  const resource = (name: string) =>
    lab.list('ManagedResource').find(({ metadata }) => metadata.name === name);
  function manifests(name: string): readonly AnyObject[] {
    const names = resource(name)?.spec?.secretRefs?.map((one) => one.name) ?? [];
    return lab
      .list('Secret')
      .filter(({ metadata }) => names.includes(metadata.name))
      .flatMap((secret) => manifestsOf(secret));
  }
  const settle = () => lab.settle();
  return {
    lab,
    takenDown,
    settle,
    async apply(type, providerConfig) {
      lab.world.clock.advance(1000);
      gardenlet.apply(NAMESPACE, { type, providerConfig });
      await settle();
    },
    extension(type = CACHES) {
      const found = gardenlet.find(NAMESPACE, type);
      assert.ok(found);
      return found;
    },
    resource,
    manifests,
    taken() {
      const found = manifests(OPERATOR_COMPONENT).find(({ metadata }) => metadata.name === TAKEN_CONFIG_MAP);
      return upstreamsIn(found);
    },
    report(revision) {
      const report = {
        objects: 1,
        caches: 1,
        serving: 1,
        failing: 0,
        conflicting: 0,
        nodes: 1,
        following: 1,
        revision,
      };
      lab.shoot.put('v1/configmaps', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: REPORT_CONFIG_MAP, namespace: 'larder-system' },
        data: { [REPORT_KEY]: JSON.stringify(report) },
      });
    },
    hibernate: (enabled) => gardenlet.patchShoot(NAMESPACE, { spec: { hibernation: { enabled } } }),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

function upstreamsIn(object: AnyObject | undefined): readonly string[] {
  assert.ok(object?.data);
  const [text = ''] = Object.values(object.data);
  return (JSON.parse(text) as { readonly upstreams: readonly string[] }).upstreams;
}

function upstreamsInStatus({ status }: ReturnType<Lab['extension']>): readonly string[] {
  const { caches = [] } = (status?.providerStatus ?? {}) as {
    readonly caches?: readonly { readonly upstream: string }[];
  };
  return caches.map(({ upstream }) => upstream);
}

const isThere = (shoot: Lab): readonly boolean[] => OURS.map((name) => shoot.resource(name) !== undefined);

describe('replication that is turned on', () => {
  test('needs no cache of the Shoot, and waits for no pod', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf());
    assert.deepEqual(isThere(shoot), [true, true]);
    assert.equal(shoot.extension().status?.lastOperation?.state, 'Succeeded');
    assert.deepEqual(upstreamsInStatus(shoot.extension()), []);
    assert.deepEqual(shoot.taken(), []);
  });

  test("takes the upstreams of the Shoot's caches and mirrors, and writes nothing at the next reconcile", async () => {
    await using shoot = await startLab();
    await shoot.apply(MIRRORS, mirrorsOf('quay.io', 'gcr.io'));
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(shoot.taken(), ['docker.io', 'gcr.io', 'quay.io']);
    const versions = () =>
      OURS.map((name) => (shoot.resource(name) as KubeObject | undefined)?.metadata.resourceVersion);
    const before = versions();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    await shoot.apply(MIRRORS, mirrorsOf('gcr.io', 'quay.io'));
    assert.deepEqual(versions(), before);
  });

  test('follows mirrors that come, change and go, by their own controller', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    await shoot.apply(MIRRORS, mirrorsOf('quay.io'));
    assert.deepEqual(shoot.taken(), ['docker.io', 'quay.io']);
    await shoot.apply(MIRRORS, mirrorsOf('gcr.io'));
    assert.deepEqual(shoot.taken(), ['docker.io', 'gcr.io']);
    shoot.lab.world.gardenlet.delete(NAMESPACE, MIRRORS);
    await shoot.settle();
    assert.deepEqual(shoot.taken(), ['docker.io']);
    assert.equal(shoot.lab.world.gardenlet.find(NAMESPACE, MIRRORS), undefined);
  });

  test('publishes the status when nodes have left the upstreams that it takes, and not before', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    shoot.report(takenUpstreams(['docker.io']).revision);
    const { lab } = shoot;
    lab.world.gardenlet.apply(NAMESPACE, { type: CACHES, providerConfig: cachesOf('docker.io', 'quay.io') });
    await lab.settle(() => lab.isWaiting() && shoot.taken().length === 2);
    assert.deepEqual(upstreamsInStatus(shoot.extension()), ['docker.io']);
    shoot.report(takenUpstreams(['docker.io', 'quay.io']).revision);
    await shoot.settle();
    assert.deepEqual(upstreamsInStatus(shoot.extension()), ['docker.io', 'quay.io']);
  });

  test('goes on after a minute without the nodes', async () => {
    await using shoot = await startLab();
    shoot.report(1);
    const begun = shoot.lab.world.clock.monotonic();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(upstreamsInStatus(shoot.extension()), ['docker.io']);
    const seconds = (shoot.lab.world.clock.monotonic() - begun) / 1000;
    assert.ok(seconds >= 60 && seconds < 70, `${seconds} s`);
  });

  test('leaves a hibernated shoot alone', async () => {
    await using shoot = await startLab();
    shoot.hibernate(true);
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(isThere(shoot), [false, false]);
    assert.deepEqual(shoot.lab.shoot.requests, []);
  });

  test('leaves a ManagedResource alone that a person has set to be ignored', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    const { spec, metadata } = shoot.resource(OPERATOR_COMPONENT) ?? assert.fail();
    const annotations = { ...metadata.annotations, 'resources.gardener.cloud/ignore': 'true' };
    const changed = { ...shoot.resource(OPERATOR_COMPONENT), metadata: { ...metadata, annotations } };
    shoot.lab.world.api.put('resources.gardener.cloud/v1alpha1/managedresources', changed as never);
    await shoot.apply(CACHES, cachesOf('docker.io', 'quay.io'));
    assert.deepEqual(shoot.resource(OPERATOR_COMPONENT)?.spec, spec);
    assert.equal(shoot.extension().status?.lastOperation?.state, 'Succeeded');
    assert.deepEqual(upstreamsInStatus(shoot.extension()), ['docker.io', 'quay.io']);
  });
});

describe('an operator that the owner of a shoot has installed', () => {
  const putOperator = ({ lab }: Lab, labels: object = {}): void =>
    void lab.shoot.put('apps/v1/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'larder-operator',
        namespace: 'larder-system',
        labels: { 'app.kubernetes.io/name': 'larder', 'app.kubernetes.io/component': 'operator', ...labels },
      },
    });

  test('keeps replication away, and the own caches go on', async () => {
    await using shoot = await startLab();
    putOperator(shoot);
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(isThere(shoot), [false, false]);
    assert.deepEqual(upstreamsInStatus(shoot.extension()), ['docker.io']);
    const { lastError } = shoot.extension().status ?? {};
    assert.deepEqual(lastError?.codes, ['ERR_CONFIGURATION_PROBLEM']);
    assert.match(
      lastError?.description ?? '',
      /operator of Larder of its own, Deployment larder-system\/larder-operator/,
    );
    shoot.lab.shoot.remove('apps/v1/deployments', 'larder-operator', 'larder-system');
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(isThere(shoot), [true, true]);
    assert.equal(shoot.extension().status?.lastError, undefined);
  });

  test('is reported also beside ours, which is still kept up to date', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    putOperator(shoot);
    await shoot.apply(CACHES, cachesOf('docker.io', 'quay.io'));
    assert.deepEqual(shoot.taken(), ['docker.io', 'quay.io']);
    assert.deepEqual(shoot.extension().status?.lastError?.codes, ['ERR_CONFIGURATION_PROBLEM']);
  });

  test('is not what this extension has deployed', async () => {
    await using shoot = await startLab();
    putOperator(shoot, DEPLOYED_BY);
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(isThere(shoot), [true, true]);
    const [list] = shoot.lab.shoot.requests.filter(({ path }) => path.endsWith('/deployments'));
    assert.match(list?.headers.accept ?? '', /PartialObjectMetadata/);
  });
});

describe('replication that is turned off', () => {
  test('goes after the own caches are done, and is not looked for again', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    assert.deepEqual(shoot.takenDown, []);
    await shoot.apply(CACHES, off('docker.io'));
    assert.deepEqual(shoot.takenDown, [NAMESPACE]);
    assert.deepEqual(isThere(shoot), [false, false]);
    await shoot.apply(CACHES, off('docker.io'));
    assert.equal(shoot.takenDown.length, 1);
  });

  test('while the shoot is hibernated, goes when it wakes up', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    shoot.hibernate(true);
    await shoot.apply(CACHES, off('docker.io'));
    assert.equal(shoot.extension().status?.lastOperation?.state, 'Succeeded');
    assert.deepEqual([isThere(shoot), shoot.takenDown], [[true, true], []]);
    shoot.hibernate(false);
    await shoot.apply(CACHES, off('docker.io'));
    assert.deepEqual(isThere(shoot), [false, false]);
  });

  test('is tried again after a failure, which the Extension reports', async () => {
    let failures = 2;
    await using shoot = await startLab(async ({ seed }, { namespace }, signal) => {
      if ((failures -= 1) >= 0) throw new LarderError('KUBE_API', 'claims are still there');
      for (const name of OURS) await seed.delete(MANAGED_RESOURCES, { namespace, name }, { signal });
    });
    await shoot.apply(CACHES, cachesOf('docker.io'));
    shoot.lab.world.gardenlet.apply(NAMESPACE, { type: CACHES, providerConfig: off('docker.io') });
    await shoot.lab.settle(() => shoot.extension().status?.lastError !== undefined);
    assert.match(
      shoot.extension().status?.lastError?.description ?? '',
      /out of the shoot: claims are still there/i,
    );
    await shoot.lab.settle(() => !isThere(shoot).includes(true));
    assert.deepEqual(isThere(shoot), [false, false]);
  });
});

describe('an Extension that goes', () => {
  test('goes after replication is taken down', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    shoot.lab.world.gardenlet.delete(NAMESPACE, CACHES);
    await shoot.settle();
    assert.deepEqual(shoot.takenDown, [NAMESPACE]);
    assert.deepEqual(shoot.lab.list('ManagedResource'), []);
    assert.equal(shoot.lab.world.gardenlet.find(NAMESPACE, CACHES), undefined);
  });

  test('waits until a hibernated shoot wakes up, unless the shoot itself is deleted', async () => {
    for (const change of [
      { spec: { hibernation: { enabled: false } } },
      { metadata: { deletionTimestamp: '2026-11-30T20:00:00Z' } },
    ]) {
      await using shoot = await startLab();
      await shoot.apply(CACHES, cachesOf('docker.io'));
      shoot.hibernate(true);
      const { gardenlet } = shoot.lab.world;
      gardenlet.delete(NAMESPACE, CACHES);
      await shoot.lab.settle(() => shoot.extension().status?.lastError !== undefined);
      assert.match(shoot.extension().status?.lastError?.description ?? '', /the shoot is hibernated/);
      assert.deepEqual([isThere(shoot), shoot.takenDown], [[true, true], []]);
      gardenlet.patchShoot(NAMESPACE, change);
      await shoot.lab.settle(() => gardenlet.find(NAMESPACE, CACHES) === undefined);
      assert.deepEqual(isThere(shoot), [false, false]);
    }
  });

  test('by force asks the shoot nothing', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    const before = shoot.lab.shoot.requests.length;
    const annotations = { 'confirmation.gardener.cloud/force-deletion': 'true' };
    shoot.lab.world.gardenlet.patchShoot(NAMESPACE, { metadata: { annotations } });
    shoot.lab.world.gardenlet.delete(NAMESPACE, CACHES);
    await shoot.settle();
    assert.equal(shoot.lab.shoot.requests.length, before);
    assert.deepEqual([isThere(shoot), shoot.takenDown], [[false, false], []]);
  });

  test('to another seed keeps the objects in the shoot, and comes back with the same bytes', async () => {
    await using shoot = await startLab();
    await shoot.apply(CACHES, cachesOf('docker.io'));
    const names = () => OURS.map((name) => shoot.resource(name)?.spec?.secretRefs?.map((one) => one.name));
    const before = names();
    const kept: unknown[] = [];
    shoot.lab.world.api.store.onChange(({ collection, object, isDeletion }) => {
      if (isDeletion && collection.endsWith('/managedresources') && OURS.includes(object.metadata.name))
        kept.push((object['spec'] as { keepObjects?: boolean }).keepObjects);
    });
    const calls = shoot.lab.shoot.requests.length;
    shoot.lab.world.gardenlet.annotate(NAMESPACE, CACHES, 'migrate');
    await shoot.settle();
    assert.deepEqual(kept, [true, true]);
    assert.deepEqual([isThere(shoot), shoot.takenDown], [[false, false], []]);
    assert.equal(shoot.lab.shoot.requests.length, calls);
    shoot.lab.world.gardenlet.annotate(NAMESPACE, CACHES, 'restore');
    await shoot.settle();
    assert.deepEqual(names(), before);
  });
});
