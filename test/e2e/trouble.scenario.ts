import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import { runPod, type PodOptions } from '../cluster/pods.ts';
import type { Cluster } from '../cluster/start-cluster.ts';
import { pullBaseline, waitFor, type PullBaseline } from '../kit/index.ts';
import { run } from '../parts/run.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../parts/runnable-image.ts';
import { fromTheCache } from './from-the-cache.ts';
import { prepare } from './prepare.ts';
import { NAMESPACE, type Program, type ProgramPod } from './release.ts';
import { OPEN, TINY, type DeclareScenario } from './setting.ts';

const CONFIG = 'troubled';
const SMALL = 'small';
const REPOSITORY = 'team/app';
const IMAGE = `${OPEN}/${REPOSITORY}:v1`;
const MANIFEST = `/v2/${REPOSITORY}/manifests/v1`;
const POD: PodOptions = { name: 'app', image: IMAGE };
const CACHE: Program = { cacheOf: OPEN };

const API_OUTAGE_MS = 120_000;

/** Kills, hangs or fills up every part of Larder. Pods must start as soon as without Larder, and afterwards everything must work again. */
export const trouble: DeclareScenario = (the) => {
  describe('a pod starts as soon as without Larder', () => {
    const image = distinctImage(6);
    let baseline: PullBaseline;

    prepare(the, async () => {
      const { release, open, configs } = the();
      await release.install();
      open.push(REPOSITORY, image, 'v1');
      baseline = await pullBaseline(freshPull);
      // With a tagTTL of 1 s every pull revalidates the tag.
      await configs.apply(CONFIG, { upstream: OPEN, freshness: { tagTTL: '1s' } });
      await comesFromTheCache();
    });
    after(() => the().configs.remove(CONFIG, SMALL));

    /** Pulls the image for a pod, on a node without the image. Returns the milliseconds of the pull. */
    const freshPull = async (pod = POD): Promise<number> => {
      const { cluster } = the();
      await cluster.node.removeImage(pod.image).catch(() => undefined); // The node may not have the image.
      const { exitCode, pullMs, failedPulls } = await runPod(cluster.kubectl, pod);
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      assert.ok(pullMs !== undefined, 'the node had the image');
      return pullMs;
    };
    /** Asserts that a pull in `trouble`, which returns its milliseconds, is fast enough, and that `recover` succeeds afterwards. */
    const comesSoon = async (
      context: TestContext,
      trouble: () => Promise<number>,
      recover: () => Promise<void> = comesFromTheCache,
    ): Promise<void> => {
      await baseline.assertSoon(context, await trouble());
      await recover();
    };
    /** Asserts that everything works: the conditions are good, and the cache serves a pull without a blob from the registry. */
    const comesFromTheCache = async (config = CONFIG): Promise<void> => {
      const { configs, open, release, cluster } = the();
      await configs.until(config, 'Serving', 'Settled', 'Healthy');
      // After repeated failures of a cache, a node waits longer before it uses the cache.
      const isPointed = () => existsSync(join(cluster.hosts, OPEN, 'hosts.toml'));
      await waitFor(isPointed, { limitMs: 120_000, everyMs: 100, what: 'hosts.toml' });
      // The kubelet may take a while to restart an agent that was killed.
      await release.relayed(OPEN, MANIFEST);
      await freshPull(); // This pull may fill the cache.
      const hits = async () =>
        (await release.metricsOf(OPEN)).sum('registry_proxy_hits_total', { type: 'blob' });
      await fromTheCache(open, async () => {
        const before = await hits();
        await freshPull();
        return (await hits()) > before;
      });
    };

    test('when the pod of the cache is deleted', async (context) => {
      await comesSoon(context, async () => {
        await the().release.removePod(CACHE);
        return freshPull();
      });
    });

    test('when the cache is killed', async (context) => {
      await comesSoon(context, async () => {
        await the().release.signal(CACHE, 'SIGKILL');
        return freshPull();
      });
    });

    test('when the cache hangs', async (context) => {
      await comesSoon(context, async () => {
        await the().release.signal(CACHE, 'SIGSTOP');
        try {
          return await freshPull();
        } finally {
          await the().release.signal(CACHE, 'SIGCONT');
        }
      });
    });

    test('when the cache hangs in the middle of a layer', async (context) => {
      const { cluster, open, release } = the();
      const fresh = distinctImage(100, 4 << 20);
      open.push(REPOSITORY, fresh, 'v3');
      await comesSoon(context, async () => {
        const layer = fresh.layers.toSorted((a, b) => b.size - a.size)[0]!;
        const pause = open.faults.add({ match: { digest: layer.digest }, nth: 1, pauseAfter: 1 << 20 });
        const pull = cluster.node.pull(`${OPEN}/${REPOSITORY}:v3`);
        await pause.reached();
        await release.signal(CACHE, 'SIGSTOP');
        const start = performance.now();
        try {
          await pull;
          return performance.now() - start;
        } finally {
          pause.remove();
          await release.signal(CACHE, 'SIGCONT');
        }
      });
    });

    test('when packets to the cache are lost, as after a power failure of its node', async (context) => {
      const { cluster, release } = the();
      const { podIP } = (await release.pod(CACHE)).status;
      const drop = (how: '-I' | '-D') =>
        run('iptables', ['-w', how, 'OUTPUT', '-d', podIP, '-j', 'DROP'], { place: cluster });
      await comesSoon(context, async () => {
        await drop('-I');
        try {
          return await freshPull();
        } finally {
          await drop('-D');
        }
      });
    });

    test('when the node agent is killed', async (context) => {
      await comesSoon(context, async () => {
        await the().release.signal('node-agent', 'SIGKILL');
        return freshPull();
      });
    });

    test('when the pod of the node agent is deleted', async (context) => {
      await comesSoon(context, async () => {
        await the().release.removePod('node-agent');
        return freshPull();
      });
    });

    test('when the operator is killed, and a change in the meantime is carried out', async (context) => {
      const { release, configs } = the();
      await comesSoon(context, async () => {
        await release.signal('operator', 'SIGKILL');
        await configs.apply(CONFIG, { upstream: OPEN, freshness: { tagTTL: '2s' } });
        return freshPull();
      });
    });

    test('when the registry is down, so that no pod could start without the cache', async (context) => {
      const { open, release } = the();
      // Only pulls update the health of a registry, and a cache does not retry a failed registry at once.
      const isHealthy = async () => {
        await freshPull();
        return !(await release.isFailing(OPEN));
      };
      const pulled = async (): Promise<number> => {
        await open.refuse();
        try {
          return await freshPull();
        } finally {
          await open.accept();
        }
      };
      await comesSoon(context, pulled, async () => {
        await waitFor(isHealthy, { limitMs: 60_000, everyMs: 1000, what: 'the registry to be healthy' });
        await comesFromTheCache();
      });
    });

    test('when the disk of the cache is full', async (context) => {
      const { configs, volumes, open } = the();
      await configs.remove(CONFIG);
      const volume = { size: '1Gi', storageClassName: TINY };
      await configs.apply(SMALL, { upstream: OPEN, volume });
      await comesFromTheCache(SMALL);
      const claim = `cache-volume-${upstreamResourceName(OPEN)}-0`;
      await volumes.fill(claim, NAMESPACE);
      const fresh = distinctImage(7, 4 << 20);
      open.push(REPOSITORY, fresh, 'v2');
      const pod = { ...POD, image: `${OPEN}/${REPOSITORY}:v2` };
      await comesSoon(
        context,
        () => freshPull(pod),
        async () => void (await configs.until(SMALL, 'VolumeFull')),
      );
      assert.equal((await configs.event(SMALL, 'VolumeFull')).type, 'Warning');

      await volumes.unfill(claim, NAMESPACE);
      // The condition stays for five minutes, so that a disk that is full now and then is noticed.
      const stored = async () => {
        await freshPull(pod);
        open.reset();
        await freshPull(pod);
        return open.count({ kind: 'blob' }) === 0;
      };
      await waitFor(stored, { limitMs: 60_000, what: 'new content to be stored' });
      await configs.remove(SMALL);
      await configs.apply(CONFIG, { upstream: OPEN, freshness: { tagTTL: '1s' } });
      await comesFromTheCache();
    });

    // This test comes last, because the cluster's own programs need minutes to recover.
    test('when there is no API server for two minutes', async (context) => {
      const { cluster, configs, release, open } = the();
      const pod = await release.pod(CACHE);
      await cluster.api.kill();
      const began = performance.now();
      for (let after = 0; after < API_OUTAGE_MS; after += API_OUTAGE_MS / 12) {
        const isTime = () => performance.now() > began + after;
        await waitFor(isTime, { limitMs: API_OUTAGE_MS, everyMs: 100, what: 'the next pull' });
        await fromTheCache(open, async () => {
          // No pod can be created now, but the kubelet may restart one whose image was removed.
          await cluster.node.removeImage(IMAGE);
          const start = performance.now();
          await cluster.node.pull(IMAGE);
          await baseline.assertSoon(context, performance.now() - start);
          return true;
        });
      }
      assert.ok(existsSync(join(cluster.hosts, OPEN, 'hosts.toml')));
      await cluster.api.restart();
      await nodeIsBack(cluster);
      await configs.apply(CONFIG, { upstream: OPEN, freshness: { tagTTL: '3s' } });
      await comesFromTheCache();
      const now = await release.pod(CACHE);
      assert.equal(now.metadata.uid, pod.metadata.uid);
      const restartsOf = ({ status }: ProgramPod) => status.containerStatuses?.[0].restartCount;
      assert.equal(restartsOf(now), restartsOf(pod));
    });
  });
};

/** Waits until the kubelet is connected again. It retries a lost API server once a minute, and until then the cluster counts the node as lost. */
async function nodeIsBack({ kubectl, shellImage }: Cluster): Promise<void> {
  await kubectl('run', 'canary', `--image=${shellImage}`);
  const runs = async () =>
    (await kubectl('get', 'pod', 'canary', '--output=jsonpath={.status.phase}')) === 'Running';
  await waitFor(runs, { limitMs: 180_000, everyMs: 500, what: 'the kubelet to start a pod' });
  await kubectl('delete', 'pod', 'canary', '--grace-period=0', '--force');
  await kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=120s');
}
