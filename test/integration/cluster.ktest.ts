import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pullRefusal, pullSecretOf, runPod, type PodOptions } from '../cluster/pods.ts';
import { startCluster, type Cluster } from '../cluster/start-cluster.ts';
import { startLarder, type LarderProcess } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { PARTS } from '../parts/parts.ts';
import { pushImage } from '../parts/push.ts';
import { ALL_BYTES_FOUND, runnableImage } from '../parts/runnable-image.ts';
import { startRegistry } from '../parts/start-registry.ts';
import type { Account } from '../parts/token-server.ts';
import { ALICE, OWNER } from './private-setting.ts';
import { REGISTRY_NAME } from './pullers.ts';

/** Newest and oldest version. They differ most in their way of pulling. */
const VERSIONS = ['containerd2', 'containerd1'] as const;

const REPOSITORY = 'team/app';
const GUESSED: Account = { ...ALICE, password: 'guessed' };

/** Address without a listener. A pull that falls back to the origin fails, so it cannot pass for a pull through the cache. */
const DEAD_ORIGIN = 'http://127.0.0.1:1';

for (const part of VERSIONS) {
  const version = PARTS[part].version.replace('v', '');
  const title = `a cluster with containerd ${version}, and Larder on its node's loopback`;
  describe(title, requireParts(GROUPS.cluster), () => {
    const image = runnableImage();
    // The node already has the first layer, because the sandbox image of its pods begins with it.
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
      await cluster.kubectl.apply(
        pullSecretOf('alice', REGISTRY_NAME, ALICE),
        pullSecretOf('guessed', REGISTRY_NAME, GUESSED),
      );
    });
    after(() => cleanup.disposeAsync());

    const podOf = (name: string, pullSecret?: string): PodOptions => ({
      name,
      image: `${REGISTRY_NAME}/${REPOSITORY}:v1`,
      pullSecret,
    });
    const refused = (expected: RegExp, name: string, pullSecret?: string) =>
      pullRefusal(cluster.kubectl, podOf(name, pullSecret), expected);
    const exitCodeOf = async (name: string, pullSecret: string) =>
      (await runPod(cluster.kubectl, podOf(name, pullSecret))).exitCode;

    const misses = () =>
      larder.metric('registry_proxy_misses_total', { upstream_host: REGISTRY_NAME, type: 'blob' });

    test("gives a pod with a wrong imagePullSecret the upstream's refusal", async () => {
      await refused(/403 Forbidden/, 'early-guess', 'guessed');
      assert.equal(await misses(), 0);
    });

    test("runs a pod's private image, pulled with its imagePullSecret through the cache", async () => {
      assert.equal(await exitCodeOf('welcome', 'alice'), ALL_BYTES_FOUND);
      assert.equal(await misses(), asked);
    });

    test('refuses the image to other pods, although it is in the cache and on the node', async () => {
      await refused(/403 Forbidden/, 'late-guess', 'guessed');
      // containerd 2.x without a credential does not report the status of a challenge.
      await refused(/401 Unauthorized|no basic auth credentials/, 'anonymous');
    });

    test('runs the image again in a pod that has access, without another blob from the upstream', async () => {
      assert.equal(await exitCodeOf('welcome-back', 'alice'), ALL_BYTES_FOUND);
      assert.equal(await misses(), asked);
    });
  });
}
