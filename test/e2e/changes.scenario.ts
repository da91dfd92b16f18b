import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import { runPod } from '../cluster/pods.ts';
import { waitFor } from '../kit/index.ts';
import { run } from '../parts/run.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../parts/runnable-image.ts';
import { everythingIn } from './everything-in.ts';
import { prepare } from './prepare.ts';
import { fromTheCache } from './from-the-cache.ts';
import { NAMESPACE, type Program } from './release.ts';
import { CLOSED, FIXED, OPEN, type DeclareScenario, type Setting } from './setting.ts';

const CONFIG = 'kept';
const OTHER = 'removed';
const REPOSITORY = 'team/kept';
const IMAGE = `${OPEN}/${REPOSITORY}:v1`;
const CACHE: Program = { cacheOf: OPEN };
const FINALIZER = 'larder/operator';

const claimOf = (upstream: string): string => `cache-volume-${upstreamResourceName(upstream)}-0`;

interface Claim {
  readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } };
}

/** Changes of a running installation, up to its uninstall. */
export const changes: DeclareScenario = (the) => {
  describe('an installation', () => {
    prepare(the, async () => {
      const { release, open, configs, cluster } = the();
      await release.install();
      open.push(REPOSITORY, distinctImage(8), 'v1');
      await configs.apply(CONFIG, { upstream: OPEN });
      await configs.apply(OTHER, { upstream: CLOSED, volume: { size: '1Gi', storageClassName: FIXED } });
      await configs.until(CONFIG, 'Serving', 'Settled', 'Healthy');
      await configs.until(OTHER, 'Serving', 'Settled');
      await runPod(cluster.kubectl, { name: 'first', image: IMAGE });
    });
    after(async () => {
      const { configs, cluster } = the();
      // Without an operator no finalizer holds the objects.
      await configs.remove(CONFIG, OTHER);
      await cluster.kubectl('delete', 'persistentvolumeclaims', '--all', `--namespace=${NAMESPACE}`);
    });

    /** Pulls once more, and asserts success. */
    const pullAgain = async (): Promise<true> => {
      const { cluster, configs, release } = the();
      await configs.until(CONFIG, 'Serving', 'Settled', 'Healthy');
      await release.relayed(OPEN, `/v2/${REPOSITORY}/manifests/v1`);
      await cluster.node.removeImage(IMAGE);
      const { exitCode, failedPulls } = await runPod(cluster.kubectl, { name: 'again', image: IMAGE });
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      return true;
    };
    /** Asserts that the cache still has its content. */
    const isStillWarm = (): Promise<void> => fromTheCache(the().open, pullAgain);
    /** Asserts that the process of the cache survives `change`. */
    const withoutRestart = async (change: () => Promise<void>): Promise<void> => {
      const lifeOf = async () => {
        const { metadata, status } = await the().release.pod(CACHE);
        return [metadata.uid, status.containerStatuses?.[0].restartCount];
      };
      const before = await lifeOf();
      await change();
      assert.deepEqual(await lifeOf(), before);
    };

    test('keeps the content of its caches when it is upgraded', async () => {
      const { release } = the();
      await release.install('image.tag=next');
      for (const program of ['operator', 'node-agent', CACHE] as const) {
        const upgraded = async () => (await release.pod(program)).spec.containers[0].image.endsWith(':next');
        await waitFor(upgraded, { limitMs: 120_000, everyMs: 500, what: 'the new image' });
      }
      await isStillWarm();
    });

    test('changes the ttl of content without a restart', async () => {
      const { release, configs } = the();
      await withoutRestart(async () => {
        const reloads = async () =>
          (await release.metricsOf(OPEN)).sum('larder_config_reloads_total', { result: 'applied' });
        const before = await reloads();
        await configs.apply(CONFIG, { upstream: OPEN, garbageCollection: { ttl: '48h' } });
        await configs.until(CONFIG, 'Settled');
        const reloaded = async () => (await reloads()) > before;
        await waitFor(reloaded, { limitMs: 120_000, everyMs: 300, what: 'the cache to reload' });
      });
      await isStillWarm();
    });

    test('grows a volume if the storage class allows it, and reports it otherwise', async () => {
      const { configs, cluster, volumes } = the();
      const sizeAsked = async (upstream: string): Promise<string> =>
        (await cluster.kubectl.json<Claim>('pvc', claimOf(upstream), `--namespace=${NAMESPACE}`)).spec
          .resources.requests.storage;
      await configs.apply(CONFIG, { upstream: OPEN, volume: { size: '2Gi' } });
      const asked = async () => (await sizeAsked(OPEN)) === '2Gi';
      await waitFor(asked, { limitMs: 60_000, everyMs: 300, what: 'a larger claim' });
      await volumes.grow(claimOf(OPEN), NAMESPACE);
      const { caches } = await configs.until(CONFIG, 'Settled', 'Serving', 'Healthy');
      assert.equal(caches?.[0]?.volume?.sizeBytes, 2 * 2 ** 30);
      await isStillWarm();

      await configs.apply(OTHER, { upstream: CLOSED, volume: { size: '2Gi', storageClassName: FIXED } });
      await configs.until(OTHER, 'VolumeCannotGrow', 'Serving');
      assert.equal((await configs.event(OTHER, 'VolumeCannotGrow')).type, 'Warning');
      assert.equal(await sizeAsked(CLOSED), '1Gi');
    });

    test('creates a new authority after the old one was deleted, without a restart', async () => {
      const { cluster, open, release } = the();
      const authority = async (): Promise<string> =>
        cluster.kubectl(
          'get',
          'secret',
          'larder-ca',
          `--namespace=${NAMESPACE}`,
          '--output=jsonpath={.data}',
        );
      await withoutRestart(async () => {
        const before = await authority();
        await cluster.kubectl('delete', 'secret', 'larder-ca', `--namespace=${NAMESPACE}`);
        const renewed = async () => (await authority()) !== before;
        await waitFor(renewed, { limitMs: 60_000, everyMs: 300, what: 'another authority' });
        // The old certificates are not trusted any more. Until node and cache both have the new authority, pulls go to the registry.
        const isWarm = async () => {
          open.reset();
          await pullAgain();
          return open.count({ kind: 'blob' }) === 0;
        };
        await waitFor(isWarm, { limitMs: 60_000, everyMs: 300, what: 'a pull through the cache' });
      });
      const metrics = await release.metricsOf(OPEN);
      assert.ok(metrics.sum('registry_proxy_hits_total', { type: 'blob' }) > 0);
    });

    test('removes all objects of one cache and none of the other when one RegistryConfig is deleted', async () => {
      const { configs, cluster, release } = the();
      const pod = await release.pod(CACHE);
      await configs.remove(OTHER);
      assert.ok(!existsSync(join(cluster.hosts, CLOSED)));
      const gone = async () => {
        const left = await everythingIn(cluster.kubectl, NAMESPACE);
        return !left.some((name) => name.includes(upstreamResourceName(CLOSED)));
      };
      await waitFor(gone, { limitMs: 60_000, everyMs: 500, what: 'the end of all objects of a cache' });
      assert.ok(existsSync(join(cluster.hosts, OPEN, 'hosts.toml')));
      assert.equal((await release.pod(CACHE)).metadata.uid, pod.metadata.uid);
      await isStillWarm();
    });

    test('leaves only the RegistryConfig when it is uninstalled', async () => {
      const { release, cluster } = the();
      await release.uninstall();
      await isGone(the());
      const left = async () => (await everythingIn(cluster.kubectl, NAMESPACE)).join(', ');
      const nothing = async () => (await left()) === '';
      await waitFor(nothing, { limitMs: 60_000, everyMs: 500, what: 'an empty namespace' }).catch(
        async (error: unknown) => {
          throw new Error(`left behind: ${await left()}`, { cause: error });
        },
      );
      const pulled = await runPod(cluster.kubectl, { name: 'afterwards', image: IMAGE });
      assert.equal(pulled.exitCode, ALL_BYTES_FOUND);
    });

    test('continues with that object when it is installed again, and keeps the volume with claimRetention=Retain', async () => {
      const { release, configs, cluster } = the();
      await release.install('claimRetention=Retain');
      await configs.until(CONFIG, 'Serving', 'Settled', 'Healthy');
      await release.uninstall();
      await isGone(the());
      const claims = [`persistentvolumeclaim/${claimOf(OPEN)}`];
      const onlyClaims = async () =>
        (await everythingIn(cluster.kubectl, NAMESPACE)).toString() === claims.toString();
      await waitFor(onlyClaims, { limitMs: 60_000, everyMs: 500, what: 'nothing but the claim' });
    });
  });
};

/** Directory on a node in which agents of the chart keep their state. */
const AGENT_STATE = '/var/lib/larder-node-agent';

/** Asserts that only CRDs, and objects without a finalizer, are left on the node and outside of Larder's namespace. */
async function isGone({ cluster }: Setting): Promise<void> {
  assert.deepEqual(readdirSync(cluster.hosts), [cluster.registry.name]);
  assert.equal((await run('find', [AGENT_STATE, '-type', 'f'], { place: cluster })).stdout, '');
  const kept = await cluster.kubectl(
    'get',
    'registryconfigs,mirrorconfigs',
    '--all-namespaces',
    '--output=json',
  );
  assert.ok(kept.includes(`"name": "${CONFIG}"`));
  assert.ok(!kept.includes(FINALIZER));
  const kinds =
    'clusterroles,clusterrolebindings,priorityclasses,validatingadmissionpolicies,validatingadmissionpolicybindings';
  const names = await cluster.kubectl('get', kinds, '--output=name');
  assert.doesNotMatch(names, /larder/);
}
