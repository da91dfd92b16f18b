import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  startLarder,
  startUpstream,
  tempDir,
  waitFor,
  type LarderProcess,
  type Upstream,
} from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { freePort } from '../parts/free-port.ts';
import { runnableImage } from '../parts/runnable-image.ts';
import { startContainerd, type Containerd } from '../parts/start-containerd.ts';
import { startAgentOfFile, type AgentOfFile } from './node-agent-process.ts';

const HUB = 'docker.io';
const PORTED = 'ported.test:8443';
const PULL_ONLY = 'pull-only.test';
const OVERRIDDEN = 'overridden.test';
const REPOSITORY = 'library/busybox';

/** Node with an agent that writes `hosts.toml` for each kind of upstream, and a containerd that reads these files. */
interface Node extends AsyncDisposable {
  readonly containerd: Containerd;
  readonly larder: LarderProcess;
  readonly agent: AgentOfFile;
  readonly origin: Upstream;
  readonly mirror: Upstream;
}

for (const part of ['containerd1', 'containerd2'] as const) {
  describe(`${part} reads the files of an agent`, requireParts(['crictl', 'runc', 'busybox', part]), () => {
    let node: Node;
    before(async () => {
      node = await startNode(part);
    });
    after(() => node?.[Symbol.asyncDispose]());

    test('for the Docker Hub: in the directory docker.io, with the address of its registry as the server', async () => {
      assert.equal(stateOf(node.agent), 'Unknown');
      assert.match(
        readFileSync(hostsToml(node, HUB), 'utf8'),
        /^server = "https:\/\/registry-1\.docker\.io"$/m,
      );
      await pull(node, 'busybox:1');
      assert.ok((await requestsOf(node, HUB)) > 0);
    });

    test('for a host with a port: in a directory of that name, behind <host>_<port>_', async () => {
      await pull(node, `${PORTED}/${REPOSITORY}:1`);
      const requests = await requestsOf(node, PORTED);
      assert.ok(requests > 0);

      node.containerd.useMirror('ported.test_8443_', node.mirror.url);
      await pull(node, `${PORTED}/${REPOSITORY}:1`);
      assert.equal(await requestsOf(node, PORTED), requests);
      await waitFor(() => /"ported\.test:8443","state":"Foreign"/.test(JSON.stringify(node.agent.status())), {
        limitMs: 15_000,
        what: 'the agent to report the foreign file',
      });
    });

    test('for a mirror that may not resolve: tags come from the origin, content from the mirror', async () => {
      node.origin.reset();
      node.mirror.reset();
      await pull(node, `${PULL_ONLY}/${REPOSITORY}:1`);
      assert.ok(node.origin.count({ kind: 'manifest', reference: '1' }) > 0);
      assert.equal(node.mirror.count({ reference: '1' }), 0);
      assert.ok(node.mirror.count({ kind: 'blob', status: 200 }) > 0);
      assert.equal(node.origin.count({ kind: 'blob' }), 0);
    });

    test('for a mirror with a path of its own: all requests go to that path, none to the origin', async () => {
      node.origin.reset();
      node.mirror.reset();
      await pull(node, `${OVERRIDDEN}/${REPOSITORY}:1`);
      assert.equal(node.origin.count(), 0);
      assert.ok(node.mirror.count({ repository: `hub/${REPOSITORY}`, kind: 'blob', status: 200 }) > 0);
      assert.equal(node.mirror.count({ repository: REPOSITORY }), 0);
    });

    test('and the agent detects that by a request of containerd, although it cannot read the configuration', async () => {
      await waitFor(() => stateOf(node.agent) === 'Set', { limitMs: 15_000, what: 'the agent to know' });
    });
  });
}

/** Starts a containerd, and an agent whose `--containerd-config` names a missing file. containerd reads the agent's `hosts.toml` files. */
async function startNode(part: 'containerd1' | 'containerd2'): Promise<Node> {
  await using cleanup = new AsyncDisposableStack();
  const origin = cleanup.use(await startUpstream());
  const mirror = cleanup.use(await startUpstream());
  const image = runnableImage();
  for (const upstream of [origin, mirror]) upstream.push(REPOSITORY, image, '1');
  mirror.push(`hub/${REPOSITORY}`, image, '1');
  const larder = cleanup.use(
    await startLarder({
      config: {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: [HUB, PORTED].map((upstream) => ({ upstream, remoteURL: origin.url })),
      },
    }),
  );
  const containerd = cleanup.use(await startContainerd({ part }));
  const empty = cleanup.use(tempDir());
  const cache = { endpoint: larder.registry, serverName: 'localhost' };
  const document = {
    revision: '1',
    caches: [
      { upstream: HUB, server: 'https://registry-1.docker.io', ...cache },
      { upstream: PORTED, server: origin.url, ...cache },
    ],
    mirrors: [
      { upstream: PULL_ONLY, server: origin.url, hosts: [{ host: mirror.url, capabilities: ['pull'] }] },
      {
        upstream: OVERRIDDEN,
        server: origin.url,
        hosts: [{ host: `${mirror.url}/v2/hub`, capabilities: ['pull', 'resolve'], overridePath: true }],
      },
    ],
  };
  const agent = cleanup.use(
    await startAgentOfFile(document, {
      port: await freePort(),
      certsDirectory: containerd.hostsDirectory,
      containerdConfig: join(empty.path, 'config.toml'),
    }),
  );
  const node = { containerd, larder, agent, origin, mirror };
  for (const upstream of [HUB, PORTED, PULL_ONLY, OVERRIDDEN])
    await waitFor(() => existsSync(hostsToml(node, upstream)), { what: `hosts.toml of ${upstream}` });

  const owned = cleanup.move();
  return { ...node, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Pulls as kubelet does, after all images were removed. */
async function pull({ containerd }: Node, reference: string): Promise<void> {
  await containerd.removeImages();
  const { code, stderr } = await containerd.pullAsKubelet(reference);
  assert.equal(code, 0, stderr);
}

function stateOf(agent: AgentOfFile): string | undefined {
  return (agent.status()['containerd'] as { state: string } | undefined)?.state;
}

const requestsOf = ({ larder }: Node, name: string): Promise<number> =>
  larder.metric('registry_proxy_requests_total', { upstream_host: name });

function hostsToml({ containerd }: Pick<Node, 'containerd'>, name: string): string {
  return join(containerd.hostsDirectory, name, 'hosts.toml');
}
