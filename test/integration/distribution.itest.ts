/**
 * One `config.yml`, as the Go extension writes it, drives a registry of the Distribution project and Larder. The same requests
 * get the same answers, but for those that are listed with their reason.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { recordedText } from '../gardener/distribution-configs.ts';
import {
  createTestPki,
  get,
  imageOf,
  indexOf,
  startLarder,
  startUpstream,
  tempDir,
  type GetResult,
  type UpstreamOptions,
} from '../kit/index.ts';
import { startDaemon } from '../parts/daemon.ts';
import { needPart, requireParts } from '../parts/find.ts';
import { freePort } from '../parts/free-port.ts';

const USER = 'robot$ci';
const PASSWORD = "It's 12 o'clock";

const image = imageOf({ layers: [100_000, 10] });
const index = indexOf([image]);
const dockerImage = imageOf({ seed: 3, format: 'docker' });
const layer = image.layers[0]!.digest;
const unknown = `sha256:${'0'.repeat(64)}`;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const asked = (method: string, path: string, headers?: Asked['headers']): Asked => ({
  method,
  path,
  ...(headers !== undefined && { headers }),
});

const manifests = '/v2/team/app/manifests';
const blob = `/v2/team/app/blobs/${layer}`;

/** In this order, so that the first ones meet empty stores. */
const SAME: readonly Asked[] = [
  asked('GET', '/v2/'),
  asked('HEAD', '/v2/'),
  asked('HEAD', `${manifests}/v1`),
  asked('GET', `${manifests}/v1`),
  asked('GET', `${manifests}/v1?ns=docker.io`),
  asked('HEAD', `${manifests}/${image.digest}`),
  asked('GET', `${manifests}/${image.digest}`),
  asked('GET', `${manifests}/multi`),
  asked('GET', '/v2/team/docker/manifests/v1'),
  asked('GET', blob),
  asked('GET', blob),
  asked('HEAD', blob),
  asked('GET', blob, { range: 'bytes=10-19' }),
  asked('GET', blob, { range: 'bytes=99990-' }),
  asked('GET', blob, { range: 'bytes=-5' }),
  asked('GET', `${blob}?ns=docker.io`, { range: 'bytes=0-' }),
  asked('GET', `${manifests}/none`),
  asked('HEAD', `${manifests}/none`),
  asked('GET', '/v2/team/none/manifests/v1'),
  asked('GET', `${manifests}/${unknown}`),
  asked('GET', `/v2/team/app/blobs/${unknown}`),
  asked('HEAD', `/v2/team/app/blobs/${unknown}`),
  asked('GET', '/v2/team/app/blobs/sha256:xyz'),
  asked('POST', '/v2/team/app/blobs/uploads/'),
  asked('DELETE', `${manifests}/${image.digest}`),
  asked('DELETE', blob),
];

/** Requests with another answer: status of Distribution, status of Larder, and the reason. No pull needs any of them. */
const OTHER: readonly (Asked & { readonly statuses: readonly [number, number]; readonly why: string })[] = [
  { ...asked('GET', '/v2'), statuses: [301, 200], why: 'Distribution redirects to /v2/' },
  { ...asked('GET', '/'), statuses: [200, 404], why: 'an empty page of Distribution' },
  { ...asked('GET', '/v2/_catalog'), statuses: [200, 404], why: 'a cache does not know what exists' },
  { ...asked('PUT', `${manifests}/v1`), statuses: [400, 405], why: 'Distribution reads the manifest first' },
  { ...asked('PATCH', '/v2/team/app/blobs/uploads/x'), statuses: [404, 405], why: 'the same' },
  {
    ...asked('GET', '/v2/UPPER/manifests/v1'),
    statuses: [404, 400],
    why: 'the specification has a code for it',
  },
  {
    ...asked('GET', `/v2/team/app/referrers/${image.digest}`),
    statuses: [404, 200],
    why: 'Distribution has no referrers',
  },
];

interface Setting {
  readonly title: string;
  readonly upstream?: UpstreamOptions;
  readonly hasLogin?: boolean;
  readonly hasTls?: boolean;
}

for (const setting of [
  { title: 'an open upstream' },
  {
    title: 'an upstream with Basic, and TLS for clients',
    upstream: { auth: 'basic' },
    hasLogin: true,
    hasTls: true,
  },
  { title: 'an upstream with tokens', upstream: { auth: 'bearer' }, hasLogin: true },
] satisfies Setting[])
  describe(`Distribution and Larder in front of ${setting.title}`, requireParts(['registry3']), () => {
    let both: Both;
    before(async () => {
      both = await startBoth(setting);
    });
    after(() => both[Symbol.asyncDispose]());

    test('give the same answers', async () => {
      for (const request of SAME) {
        const [theirs, ours] = await both.ask(request);
        assert.deepEqual(factsOf(ours), factsOf(theirs), `${request.method} ${request.path}`);
      }
    });

    test('give other answers only where that is on purpose', async () => {
      for (const { statuses, why, ...request } of OTHER) {
        const answers = await both.ask(request);
        assert.deepEqual(
          answers.map(({ status }) => status),
          statuses,
          `${request.method} ${request.path}: ${why}`,
        );
      }
    });

    test('refuse a range behind the end, each in its own words', async () => {
      const answers = await both.ask(asked('GET', blob, { range: 'bytes=200000-' }));
      for (const { status, headers } of answers)
        assert.deepEqual([status, headers['content-range']], [416, 'bytes */100000']);
    });

    test('list the same tags', async () => {
      const [theirs, ours] = await both.ask(asked('GET', '/v2/team/app/tags/list'));
      assert.deepEqual(ours.json(), theirs.json());
    });

    test('say at the same address that they are healthy, and count under the same names', async () => {
      const [theirs, ours] = await both.askAdmin('/debug/health');
      assert.deepEqual(factsOf(ours), factsOf(theirs));
      const names = (await both.askAdmin('/metrics')).map((answer) =>
        [...new Set(answer.text().match(/^registry_proxy_\w+/gm))].toSorted(),
      );
      assert.deepEqual(names[1], names[0]);
    });
  });

interface Both extends AsyncDisposable {
  /** Asks Distribution, then Larder. */
  ask(request: Asked): Promise<readonly [GetResult, GetResult]>;
  /** The same at the admin listeners. */
  askAdmin(path: string): Promise<readonly [GetResult, GetResult]>;
}

async function startBoth({ upstream: options, hasLogin, hasTls = false }: Setting): Promise<Both> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const upstream = cleanup.use(await startUpstream({ ...options, users: { [USER]: PASSWORD } }));
  upstream.push('team/app', image, 'v1');
  upstream.push('team/app', index, 'multi');
  upstream.push('team/docker', dockerImage, 'v1');
  const pki = createTestPki();
  const { cert, key } = pki.server();
  files.write('certs/tls.crt', cert);
  files.write('certs/tls.key', key);
  const login = `\n  username: ${USER}\n  password: '${PASSWORD.replaceAll("'", "''")}'`;
  const proxy = `  remoteurl: ${upstream.url}\n  ttl: 168h0m0s${hasLogin ? login : ''}`;

  /** Writes the recorded text with paths and ports of the test. */
  function write(name: string, adminPort: number): string {
    mkdirSync(join(files.path, name, 'registry'), { recursive: true });
    const text = recordedText(proxy, hasTls)
      .replace('/var/lib/registry', join(files.path, name, 'registry'))
      .replaceAll('/etc/distribution/certs', join(files.path, 'certs'))
      .replace('addr: :5000', 'addr: 127.0.0.1:0')
      .replace('addr: :5001', `addr: 127.0.0.1:${adminPort}`);
    return files.write(`${name}/config.yml`, text);
  }

  const ports = [await freePort(), await freePort()] as const;
  const distribution = cleanup.use(
    await startDaemon({
      name: 'registry3',
      command: needPart('registry3'),
      args: ['serve', write('distribution', ports[0])],
      env: { OTEL_TRACES_EXPORTER: 'none' },
      ready: /listening on 127\.0\.0\.1:(\d+)/,
    }),
  );
  const ownFlags = ['--distribution-config', write('larder', ports[1])];
  const store = join(files.path, 'larder/registry');
  const larder = cleanup.use(await startLarder({ store, ownFlags }));
  const theirs = `${hasTls ? 'https' : 'http'}://127.0.0.1:${distribution.ready[1]}`;
  const resources = cleanup.move();
  return {
    ask: async ({ method, path, headers }) => {
      const options = { method, headers: { accept: ACCEPT, ...headers }, ca: pki.caPem };
      return [await get(theirs + path, options), await get(larder.registry + path, options)];
    },
    askAdmin: async (path) => [
      await get(`http://127.0.0.1:${ports[0]}${path}`),
      await get(`http://127.0.0.1:${ports[1]}${path}`),
    ],
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** As containerd accepts manifests. */
const ACCEPT = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  '*/*',
].join(', ');

/** Reduces an answer to the facts that a client goes by: the codes of an error, else the bytes. */
function factsOf({ status, headers, digest, bytes, body }: GetResult): object {
  const isError = status >= 400;
  const codes =
    isError && bytes > 0 ? (JSON.parse(body.toString()) as { errors: { code: string }[] }) : undefined;
  return {
    status,
    type: headers['content-type'],
    digest: headers['docker-content-digest'],
    range: headers['content-range'],
    nosniff: headers['x-content-type-options'],
    version: headers['docker-distribution-api-version'],
    ...(isError
      ? { codes: codes?.errors.map(({ code }) => code) }
      : { length: headers['content-length'], bytes, content: digest }),
  };
}
