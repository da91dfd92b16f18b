import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster, type Cluster } from '../cluster/start-cluster.ts';
import { startLarder, waitFor, type LarderProcess } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { PARTS } from '../parts/parts.ts';
import { pushImage } from '../parts/push.ts';
import { ALL_BYTES_FOUND, runnableImage } from '../parts/runnable-image.ts';
import { startRegistry } from '../parts/start-registry.ts';
import type { Account } from '../parts/token-server.ts';
import { ALICE, OWNER } from './private-setting.ts';
import { REGISTRY_NAME } from './pullers.ts';

/** The newest and the oldest: they differ most in how they pull. */
const VERSIONS = ['containerd2', 'containerd1'] as const;

const REPOSITORY = 'team/app';
const GUESSED: Account = { ...ALICE, password: 'guessed' };

/** Nothing listens there: a pull that falls back to the origin fails, and cannot look as if the cache had served it. */
const DEAD_ORIGIN = 'http://127.0.0.1:1';

/** What a kubelet does is done once the node has looked, pulled and started: seconds, on a busy machine. */
const POD_LIMIT_MS = 40_000;

interface Pod {
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly state: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

interface Events {
  readonly items: readonly { readonly reason: string; readonly message: string }[];
}

for (const part of VERSIONS) {
  const version = PARTS[part].version.replace('v', '');
  const title = `a cluster with containerd ${version}, and Larder on its node's loopback`;
  describe(title, requireParts(GROUPS.cluster), () => {
    const image = runnableImage();
    // The first layer is on the node already: the image that holds its pods together begins with it.
    const asked = image.blobs.length - 1;
    const cleanup = new AsyncDisposableStack();
    let cluster: Cluster;
    let larder: LarderProcess;

    before(async () => {
      cluster = cleanup.use(await startCluster({ containerd: part }));
      const auth = { kind: 'basic', account: OWNER } as const;
      const upstream = cleanup.use(await startRegistry({ part: 'registry3', auth, place: cluster }));
      await upstream.allow(ALICE, [REPOSITORY]);
      await pushImage({ ...upstream, url: await cluster.reach(upstream.url) }, REPOSITORY, image, 'v1');
      const cache = {
        upstream: REGISTRY_NAME,
        remoteURL: upstream.url,
        authentication: { mode: 'Caller', realm: 'Upstream' },
      };
      const kind = { apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', kind: 'RegistryConfig' };
      larder = cleanup.use(await startLarder({ config: { ...kind, caches: [cache] }, place: cluster }));
      cluster.useMirror(REGISTRY_NAME, larder.registry, DEAD_ORIGIN);
      await cluster.kubectl.apply(secretOf('alice', ALICE), secretOf('guessed', GUESSED));
    });
    after(() => cleanup.disposeAsync());

    const misses = () =>
      larder.metric('registry_proxy_misses_total', { upstream_host: REGISTRY_NAME, type: 'blob' });

    test("tells a pod with a wrong imagePullSecret the upstream's refusal", async () => {
      await cluster.kubectl.apply(podOf('early-guess', 'guessed'));
      assert.match(await refusalOf(cluster, 'early-guess'), /403 Forbidden/);
      assert.equal(await misses(), 0);
    });

    test("runs a pod's private image, pulled with its imagePullSecret through the cache", async () => {
      await cluster.kubectl.apply(podOf('welcome', 'alice'));
      assert.equal(await exitCodeOf(cluster, 'welcome'), ALL_BYTES_FOUND);
      assert.equal(await misses(), asked);
    });

    test('refuses it to other pods, though it is in the cache and on the node', async () => {
      await cluster.kubectl.apply(podOf('late-guess', 'guessed'), podOf('stranger'));
      assert.match(await refusalOf(cluster, 'late-guess'), /403 Forbidden/);
      // 2.x does not repeat the status of a challenge that it has nothing to answer with.
      assert.match(await refusalOf(cluster, 'stranger'), /401 Unauthorized|no basic auth credentials/);
    });

    test('runs it again for who may have it, without another blob from the upstream', async () => {
      await cluster.kubectl.apply(podOf('welcome-back', 'alice'));
      assert.equal(await exitCodeOf(cluster, 'welcome-back'), ALL_BYTES_FOUND);
      assert.equal(await misses(), asked);
    });
  });
}

function secretOf(name: string, account: Account): object {
  const config = { auths: { [REGISTRY_NAME]: account } };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'default' },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify(config) },
  };
}

function podOf(name: string, secret?: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'app', image: `${REGISTRY_NAME}/${REPOSITORY}:v1`, imagePullPolicy: 'IfNotPresent' },
      ],
      ...(secret !== undefined && { imagePullSecrets: [{ name: secret }] }),
    },
  };
}

async function exitCodeOf(cluster: Cluster, pod: string): Promise<number> {
  const ended = async () => {
    const { status } = await cluster.kubectl.json<Pod>('pod', pod);
    return status.containerStatuses?.[0]?.state.terminated;
  };
  const what = `the end of pod ${pod}`;
  const { exitCode } = await waitFor(ended, { limitMs: POD_LIMIT_MS, everyMs: 200, what });
  return exitCode;
}

/** The message of the event that says why the pod's image could not be pulled. */
async function refusalOf(cluster: Cluster, pod: string): Promise<string> {
  const failed = async () => {
    const { items } = await cluster.kubectl.json<Events>(
      'events',
      `--field-selector=involvedObject.name=${pod}`,
    );
    return items.find(({ message }) => message.startsWith('Failed to pull image'))?.message;
  };
  const what = `an event of pod ${pod} that its image could not be pulled`;
  return waitFor(failed, { limitMs: POD_LIMIT_MS, everyMs: 200, what });
}
