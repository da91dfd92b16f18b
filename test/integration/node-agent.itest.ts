import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import {
  createTestPki,
  pullBaseline,
  startLarder,
  tempDir,
  tlsFlags,
  waitFor,
  type LarderProcess,
} from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { freePort } from '../parts/free-port.ts';
import { pushImage } from '../parts/push.ts';
import { runnableImage } from '../parts/runnable-image.ts';
import { startContainerd, type Containerd } from '../parts/start-containerd.ts';
import { startRegistry, type Registry } from '../parts/start-registry.ts';
import { startAgentOfFile, type AgentOfFile } from './node-agent-process.ts';

/** One upstream that the cache serves, and one that nodes reach by a mirror, which is the cache's own address. */
const CACHED = 'cached.test';
const MIRRORED = 'mirrored.test';
const FOREIGN = 'foreign.test';

interface Cluster extends AsyncDisposable {
  readonly containerd: Containerd;
  readonly larder: LarderProcess;
  readonly registry: Registry;
  readonly document: object;
  agent(): Promise<AgentOfFile>;
}

for (const part of ['containerd1', 'containerd2'] as const) {
  describe(
    `${part} with an agent beside it`,
    requireParts(['registry3', 'crictl', 'runc', 'busybox', part]),
    () => {
      test('pulls through the cache, and at once from the origin when the agent or the cache is killed', async (context) => {
        await using cluster = await startCluster(part);
        const { containerd, larder, registry } = cluster;
        // Without DNS only a host file leads to the registry. The first pull warms up.
        containerd.useMirror(CACHED, registry.url);
        await timedPull(containerd, CACHED);
        const baseline = await pullBaseline(() => timedPull(containerd, CACHED));
        rmSync(dirname(hostsToml(cluster, CACHED)), { recursive: true });
        assert.equal(await missesOf(larder, CACHED), 0);

        const agent = await cluster.agent();
        await waitFor(() => existsSync(hostsToml(cluster, CACHED)), { what: 'hosts.toml' });
        assert.equal((agent.status()['containerd'] as { state: string }).state, 'Set');
        await timedPull(containerd, CACHED);
        const misses = await missesOf(larder, CACHED);
        assert.ok(misses > 0);

        await agent.kill();
        assert.ok(existsSync(hostsToml(cluster, CACHED)));
        await baseline.assertSoon(context, await timedPull(containerd, CACHED));
        assert.equal(await requestsOf(larder, CACHED), misses);

        const again = await cluster.agent();
        await waitFor(
          () => /"cached\.test","state":"Ready"/.test(JSON.stringify(again.status()['upstreams'])),
          {
            limitMs: 30_000,
            what: 'the cache to be used',
          },
        );
        await timedPull(containerd, CACHED);
        assert.ok((await requestsOf(larder, CACHED)) > misses);
        await larder.stop('SIGKILL');
        await baseline.assertSoon(context, await timedPull(containerd, CACHED));
        await waitFor(() => !existsSync(hostsToml(cluster, CACHED)), { what: 'hosts.toml to be removed' });
      });

      test('pulls through a mirror with an authority of its own; foreign files stay, all of ours are removed', async () => {
        await using cluster = await startCluster(part);
        const { containerd, larder, registry } = cluster;
        containerd.useMirror(FOREIGN, registry.url);
        const before = readFileSync(hostsToml(cluster, FOREIGN), 'utf8');
        const agent = await cluster.agent();
        await waitFor(() => existsSync(hostsToml(cluster, MIRRORED)), { what: 'hosts.toml' });
        await timedPull(containerd, MIRRORED);
        assert.ok((await missesOf(larder, MIRRORED)) > 0);
        assert.match(JSON.stringify(agent.status()['upstreams']), /"foreign\.test","state":"Foreign"/);
        await timedPull(containerd, FOREIGN);

        agent.writeDocument({ revision: '2' });
        await waitFor(() => !existsSync(join(containerd.hostsDirectory, MIRRORED)));
        await waitFor(() => !existsSync(join(containerd.hostsDirectory, CACHED)));
        assert.equal(readFileSync(hostsToml(cluster, FOREIGN), 'utf8'), before);
        await agent.stop();
      });
    },
  );
}

/** A registry, a cache of it over TLS, a containerd, and agents on demand, all at one port. */
async function startCluster(part: 'containerd1' | 'containerd2'): Promise<Cluster> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const registry = cleanup.use(await startRegistry({ part: 'registry3', auth: { kind: 'none' } }));
  await pushImage(registry, 'library/busybox', runnableImage(), '1');
  const pki = createTestPki();
  const larder = cleanup.use(
    await startLarder({
      config: {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: [CACHED, MIRRORED].map((upstream) => ({ upstream, remoteURL: registry.url })),
      },
      flags: tlsFlags(files, pki.server()),
    }),
  );
  const containerd = cleanup.use(await startContainerd({ part }));
  const cache = { server: registry.url, endpoint: larder.registry, serverName: 'localhost' };
  const document = {
    revision: '1',
    ca: pki.caPem,
    bundles: { own: pki.caPem },
    caches: [CACHED, FOREIGN].map((upstream) => ({ upstream, ...cache })),
    mirrors: [
      {
        upstream: MIRRORED,
        server: registry.url,
        hosts: [{ host: larder.registry, capabilities: ['pull', 'resolve'], ca: 'own' }],
      },
    ],
  };
  const port = await freePort();

  const owned = cleanup.move();
  return {
    containerd,
    larder,
    registry,
    document,
    agent: async () =>
      owned.use(
        await startAgentOfFile(document, {
          port,
          certsDirectory: containerd.hostsDirectory,
          containerdConfig: containerd.configFile,
        }),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Milliseconds of a pull as kubelet makes it, without earlier content. */
async function timedPull(containerd: Containerd, name: string): Promise<number> {
  await containerd.removeImages();
  const begin = performance.now();
  const { code, stderr } = await containerd.pullAsKubelet(`${name}/library/busybox:1`);
  assert.equal(code, 0, stderr);
  return performance.now() - begin;
}

const missesOf = (larder: LarderProcess, name: string): Promise<number> =>
  larder.metric('registry_proxy_misses_total', { upstream_host: name });

const requestsOf = (larder: LarderProcess, name: string): Promise<number> =>
  larder.metric('registry_proxy_requests_total', { upstream_host: name });

function hostsToml({ containerd }: Pick<Cluster, 'containerd'>, name: string): string {
  return join(containerd.hostsDirectory, name, 'hosts.toml');
}
