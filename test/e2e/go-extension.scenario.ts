import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../parts/runnable-image.ts';
import { needPart } from '../parts/find.ts';
import { packedImage } from '../parts/packed-image.ts';
import { storedByDistribution } from '../parts/stored-by-distribution.ts';
import { runPod } from '../cluster/pods.ts';
import type { Volumes } from '../cluster/volumes.ts';
import { recordedText } from '../gardener/distribution-configs.ts';
import { shootObjects } from '../gardener/shoot-objects.ts';
import {
  createTestPki,
  get,
  startUpstream,
  waitFor,
  type TestBlob,
  type TestImage,
  type TestPki,
  type Upstream,
} from '../kit/index.ts';
import { prepare } from './prepare.ts';
import { OPEN, type DeclareScenario } from './setting.ts';

const NAMESPACE = 'kube-system';
const IN_NAMESPACE = `--namespace=${NAMESPACE}`;
const UPSTREAM = `${OPEN}:5080`;
const NAME = upstreamResourceName(UPSTREAM);
const CLAIM = `cache-volume-${NAME}-0`;
const REPOSITORY = 'team/app';
const POD_LIMIT_MS = 180_000;

/** StorageClass with a volume as large as the extension demands. */
const STORAGE = 'shoot';

/** Mount of the node, and its authority for caches there (Gardener's node agent writes both files). */
const HOSTS_IN_NODE = '/etc/containerd/certs.d';

/** The Go extension runs Larder: its objects stay as they are, and only the image is another one. */
export const goExtension: DeclareScenario = (the) => {
  describe('the objects of the Go extension', () => {
    const first = distinctImage(61);
    const second = distinctImage(62);
    const resources = new AsyncDisposableStack();
    let upstream: Upstream;
    let volumes: Volumes;
    let pki: TestPki;
    let address: string;

    prepare(the, async () => {
      const { cluster } = the();
      upstream = resources.use(
        await startUpstream({ place: cluster, address: cluster.addressOf(OPEN), port: 5080 }),
      );
      upstream.push(REPOSITORY, first, 'v1');
      volumes = await cluster.createVolumes([{ name: STORAGE, capacities: ['10Gi'] }]);
      await cluster.kubectl.apply(claim());
    });
    after(async () => {
      const { kubectl, hosts } = the().cluster;
      rmSync(join(hosts, UPSTREAM), { recursive: true, force: true });
      rmSync(join(hosts, 'ca-bundle.pem'), { force: true });
      for (const kind of ['statefulset', 'service'])
        await kubectl('delete', kind, NAME, IN_NAMESPACE, '--ignore-not-found', '--timeout=60s');
      await kubectl(
        'delete',
        'persistentvolumeclaim',
        CLAIM,
        IN_NAMESPACE,
        '--ignore-not-found',
        '--timeout=60s',
      );
      await resources.disposeAsync();
    });

    /** Applies the objects with this image, and waits until the node reaches the pod that runs it: until then it pulls from the upstream. */
    async function deploy(image: string): Promise<void> {
      const { kubectl } = the().cluster;
      const config = { 'config.yml': recordedText(`  remoteurl: ${upstream.url}\n  ttl: 168h0m0s`, true) };
      const objects = shootObjects({
        upstream: UPSTREAM,
        remoteURL: upstream.url,
        image,
        config,
        tls: pki.server(),
      });
      await kubectl.apply(...objects);
      await kubectl(
        'rollout',
        'status',
        `statefulset/${NAME}`,
        IN_NAMESPACE,
        `--timeout=${POD_LIMIT_MS / 1000}s`,
      );
      await waitFor(() => page('/debug/health'));
    }

    /** Runs a pod of an image that the node does not have. */
    async function pull(tag: string): Promise<void> {
      const { kubectl, node } = the().cluster;
      const image = `${UPSTREAM}/${REPOSITORY}:${tag}`;
      const { exitCode, failedPulls } = await runPod(kubectl, { name: `app-${tag}`, image });
      assert.deepEqual([exitCode, failedPulls], [ALL_BYTES_FOUND, 0]);
      await node.removeImage(image);
    }

    const page = async (path: string) => get(`${await the().cluster.reach(`http://${address}:5001`)}${path}`);

    before(async () => {
      const { cluster } = the();
      const [, service] = shootObjects({
        upstream: UPSTREAM,
        remoteURL: upstream.url,
        image: 'none',
        config: {},
        tls: { cert: '', key: '' },
      });
      await cluster.kubectl.apply(service as object);
      address = await cluster.kubectl(
        'get',
        'service',
        NAME,
        IN_NAMESPACE,
        '--output=jsonpath={.spec.clusterIP}',
      );
      pki = createTestPki([address]);
      const directory = join(cluster.hosts, UPSTREAM);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(cluster.hosts, 'ca-bundle.pem'), pki.caPem);
      writeFileSync(join(directory, 'hosts.toml'), hostsToml(address, upstream.url));
    });

    test('run Distribution, which fills its volume', async () => {
      const registry = await the().cluster.push('3rd/registry', distributionImage(), '3.1');
      await deploy(registry);
      await pull('v1');
      assert.ok(upstream.count({ kind: 'blob', method: 'GET' }) > 0);
      await storedByDistribution(await volumes.pathOf(CLAIM, NAMESPACE), REPOSITORY, [
        [first.digest, '_manifests/revisions'],
        ...pulledBlobs(first).map(({ digest }) => [digest, '_layers'] as const),
      ]);
    });

    test('run Larder when only their image is another, with all that the volume had', async () => {
      const { cluster, image } = the();
      upstream.reset();
      await deploy(image);
      const pod = await cluster.kubectl.json<{
        spec: { containers: { image: string }[] };
        status: { containerStatuses: { restartCount: number }[] };
      }>('pod', `${NAME}-0`, IN_NAMESPACE);
      assert.deepEqual(
        [pod.spec.containers[0]?.image, pod.status.containerStatuses[0]?.restartCount],
        [image, 0],
      );
      // The upstream says once that everyone may have the repository. Distribution keeps no such knowledge.
      await pull('v1');
      assert.equal(upstream.bodyBytes({ kind: 'blob' }), 0);
      await upstream.refuse();
      try {
        await pull('v1');
      } finally {
        await upstream.accept();
      }
    });

    test('fetch a new image once, for two pulls of the node', async () => {
      upstream.push(REPOSITORY, second, 'v2');
      upstream.reset();
      await pull('v2');
      await pull('v2');
      for (const { digest } of pulledBlobs(second))
        assert.equal(upstream.count({ kind: 'blob', method: 'GET', reference: digest }), 1);
    });

    test('show health and metrics where kubelet and Prometheus look', async () => {
      const health = await waitFor(() => page('/debug/health'));
      assert.deepEqual([health.status, health.text()], [200, '{}']);
      assert.match((await page('/metrics')).text(), /^registry_proxy_hits_total\{.*type="blob".*\} [1-9]/m);
    });
  });
};

/** The blobs of a {@link distinctImage} without its first layer, which the node has from the cluster's shell image. */
function pulledBlobs({ blobs: [config, , ...layers] }: TestImage): readonly TestBlob[] {
  return config === undefined ? [] : [config, ...layers];
}

/** The volume of a shoot that has used the extension for a while. */
function claim(): object {
  const labels = { app: NAME, 'upstream-host': UPSTREAM.replace(':', '-') };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: CLAIM, namespace: NAMESPACE, labels },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: STORAGE,
      resources: { requests: { storage: '10Gi' } },
    },
  };
}

/** As Gardener's node agent writes it for a cache. */
function hostsToml(address: string, server: string): string {
  return `server = "${server}"

[host."https://${address}:5000"]
  capabilities = ["pull", "resolve"]
  ca = ["${HOSTS_IN_NODE}/ca-bundle.pem"]
`;
}

/** The registry of the Distribution project with the command of its own image. */
function distributionImage() {
  const registry = { name: 'bin/registry', mode: 0o755, content: readFileSync(needPart('registry3')) };
  return packedImage([[{ name: 'bin/', mode: 0o755 }, registry]], {
    Cmd: ['/bin/registry', 'serve', '/etc/distribution/config.yml'],
    Env: ['OTEL_TRACES_EXPORTER=none'],
  });
}
