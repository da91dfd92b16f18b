/** The program that `helm test` runs in the cluster, beside an API server and a cache that are stand-ins. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { createTestPki, tempDir } from '../../test/kit/index.ts';
import { runToExit } from '../../test/parts/run.ts';

const SCRIPT = readFileSync(new URL('../charts/larder/files/helm-test.mjs', import.meta.url), 'utf8');
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const pki = createTestPki();
const READY = { observedGeneration: 3, updatedReplicas: 1, availableReplicas: 1 };
const AGENTS = { desiredNumberScheduled: 2, numberReady: 2 };

interface World {
  readonly operator?: object;
  readonly agents?: object;
  /** Status of a cache's answer; no cache unless given. */
  readonly cache?: number;
  readonly serverName?: string;
  readonly token?: string;
  readonly seconds?: number;
}

/** Runs the program and gives its exit code and lines. One server is both the API server and the cache. */
async function checked(world: World): Promise<{ code: number | null; lines: string[] }> {
  const { operator = READY, agents = AGENTS, cache, serverName = 'localhost', token = 'good' } = world;
  const objects: Record<string, object | undefined> = {
    '/apis/apps/v1/namespaces/here/deployments/larder-operator': {
      metadata: { generation: 3 },
      spec: { replicas: 1 },
      status: operator,
    },
    '/apis/apps/v1/namespaces/here/daemonsets/larder-node-agent': { status: agents },
  };
  const server = createServer(pki.server(), (request, response) => {
    if (request.url === '/v2/') response.writeHead(cache ?? 500).end();
    else if (request.headers.authorization !== 'Bearer good') response.writeHead(403).end();
    else {
      const found = objects[request.url ?? ''];
      response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  function configMap(): object {
    const one = { upstream: 'docker.io', endpoint: `https://127.0.0.1:${port}`, serverName };
    return { data: { 'nodes.json': JSON.stringify({ ca: pki.caPem, caches: [one] }) } };
  }
  if (cache !== undefined) objects['/api/v1/namespaces/here/configmaps/larder-nodes'] = configMap();

  using account = tempDir();
  account.write('namespace', 'here');
  account.write('token', token);
  account.write('ca.crt', pki.caPem);
  const script = SCRIPT.replaceAll(ACCOUNT, account.path);
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
  const args = ['--input-type=module', '--eval', script, String(world.seconds ?? 0)];
  try {
    const { code, stdout, stderr } = await runToExit(process.execPath, args, { env });
    return { code, lines: `${stdout}${stderr}`.replaceAll(String(port), 'PORT').trimEnd().split('\n') };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('helm test', () => {
  test('passes when operator and agents are ready, also where no cache exists yet', async () => {
    assert.deepEqual(await checked({}), {
      code: 0,
      lines: [
        'ok   operator: 1 of 1 available',
        'ok   node agents: 2 of 2 ready',
        'ok   caches: none yet, create a RegistryConfig',
      ],
    });
  });

  for (const status of [200, 401])
    test(`passes when a cache answers ${status} under its own name`, async () => {
      const { code, lines } = await checked({ cache: status });
      assert.equal(code, 0);
      assert.equal(lines.at(-1), `ok   cache of docker.io: status ${status} from https://127.0.0.1:PORT`);
    });

  for (const [title, world, line] of [
    ['the operator is not available', { operator: {} }, /^FAIL operator: 0 of 1 available$/],
    [
      'the operator is of an earlier generation',
      { operator: { ...READY, observedGeneration: 2 } },
      /^FAIL operator: 1 of 1 available$/,
    ],
    [
      'a node has no ready agent',
      { agents: { ...AGENTS, numberReady: 1 } },
      /^FAIL node agents: 1 of 2 ready$/,
    ],
    ['a cache answers 503', { cache: 503 }, /^FAIL cache of docker\.io: status 503 from /],
    [
      'a cache has the certificate of another name',
      { cache: 200, serverName: 'other.example' },
      /^FAIL cache of docker\.io: Hostname\/IP does not match certificate's altnames/,
    ],
    [
      'the API server refuses the account',
      { token: 'bad' },
      /^FAIL caches: the API server answered 403 for configmaps\/larder-nodes$/,
    ],
  ] as const)
    test(`fails when ${title}, and says so`, async () => {
      const { code, lines } = await checked(world);
      assert.equal(code, 1);
      assert.ok(
        lines.some((one) => line.test(one)),
        lines.join('\n'),
      );
    });

  test('waits for what is not ready yet', async () => {
    const started = performance.now();
    assert.equal((await checked({ operator: {}, seconds: 2 })).code, 1);
    assert.ok(performance.now() - started >= 2000);
  });

  test('is a text that kubelet leaves as it is', () => {
    // kubelet replaces $(NAME) in arguments, and $$ by $.
    assert.doesNotMatch(SCRIPT, /\$[($]/);
  });
});
