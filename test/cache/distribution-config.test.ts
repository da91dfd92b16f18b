/** `larder serve` in the place of a registry of the Distribution project, with the files of a pod of the Go extension. */
import assert from 'node:assert/strict';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { recordedText } from '../gardener/distribution-configs.ts';
import { mountSecret, type MountedSecret } from '../gardener/mounted-secret.ts';
import { runMain } from '../cli/run-main.ts';
import {
  createTestPki,
  get,
  head,
  imageOf,
  pullImage,
  startLarder,
  startUpstream,
  tempDir,
  waitFor,
  type KeyPair,
  type LarderOptions,
  type LarderProcess,
  type Upstream,
} from '../kit/index.ts';

const IMAGE = imageOf();
const USER = 'robot$ci';
const PASSWORD = "It's 12 o'clock";

interface Pod extends AsyncDisposable {
  readonly larder: LarderProcess;
  readonly config: MountedSecret;
  /** The recorded `config.yml` with this section `proxy`. */
  text(proxy: string): string;
  /** Replaces the files in `/etc/distribution/certs`. */
  writeTls(pair: KeyPair): void;
}

interface PodOptions {
  readonly tls?: KeyPair;
  /** Further keys of the Secret beside `config.yml`. */
  readonly added?: Readonly<Record<string, string>>;
  /** Changes the recorded text. */
  readonly edit?: (text: string) => string;
  readonly larder?: LarderOptions;
}

/** Starts Larder as in a pod, but with directories and ports of the test. */
async function startPod(
  proxy: string,
  { tls, added, edit = (text) => text, larder }: PodOptions = {},
): Promise<Pod> {
  await using cleanup = new AsyncDisposableStack();
  const files = cleanup.use(tempDir());
  const store = join(files.path, 'registry');
  const text = (section: string): string =>
    edit(
      recordedText(section, tls !== undefined)
        .replace('/var/lib/registry', store)
        .replaceAll('/etc/distribution/certs', join(files.path, 'certs'))
        .replace('addr: :5000', 'addr: 127.0.0.1:0')
        .replace('addr: :5001', 'addr: 127.0.0.1:0'),
    );
  const writeTls = ({ cert, key }: KeyPair): void => {
    files.write('certs/tls.crt', cert);
    files.write('certs/tls.key', key);
  };
  if (tls !== undefined) writeTls(tls);
  const config = mountSecret(join(files.path, 'distribution'), { 'config.yml': text(proxy), ...added });
  const ownFlags = ['--distribution-config', join(config.path, 'config.yml'), ...(larder?.flags ?? [])];
  const process = cleanup.use(await startLarder({ store, ...larder, ownFlags }));
  const owned = cleanup.move();
  return { larder: process, config, text, writeTls, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const at = ({ url }: Pick<Upstream, 'url'>, more = ''): string =>
  `  remoteurl: ${url}\n  ttl: 168h0m0s${more}`;
const withLogin = (of: Upstream, password: string): string =>
  at(of, `\n  username: ${USER}\n  password: '${password.replaceAll("'", "''")}'`);

async function startOpen(): Promise<Upstream> {
  const upstream = await startUpstream();
  upstream.push('team/app', IMAGE, 'v1');
  return upstream;
}

suite('a cache with the config.yml of the Gardener extension', { concurrency: 2 }, () => {
  test('takes every request for its upstream, whatever ns says, and stores in rootdirectory', async () => {
    await using upstream = await startOpen();
    await using pod = await startPod(at(upstream));
    for (const options of [{}, { ns: upstream.host }, { ns: 'docker.io' }])
      await pullImage(pod.larder.registry, 'team/app', 'v1', options);
    assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), IMAGE.blobs.length);
    assert.ok(existsSync(join(pod.larder.store, 'blobs')));
    const alias = await get(`${pod.larder.registry}/v2/docker.io/team/app/manifests/v1`);
    assert.equal(alias.status, 404);
    assert.equal(upstream.requests.at(-1)?.repository, 'docker.io/team/app');
  });

  test('answers /debug/health and the metrics as Distribution does, and every request with the headers', async () => {
    await using upstream = await startOpen();
    await using pod = await startPod(at(upstream));
    const { registry, admin } = pod.larder;
    const health = await get(`${admin}/debug/health`);
    assert.deepEqual(
      [health.status, health.headers['content-type'], health.text()],
      [200, 'application/json', '{}'],
    );
    await pullImage(registry, 'team/app', 'v1');
    assert.equal(
      await pod.larder.metric('registry_proxy_misses_total', { type: 'blob' }),
      IMAGE.blobs.length,
    );
    for (const [method, path] of [
      ['GET', '/v2/'],
      ['HEAD', '/v2/team/app/manifests/v1'],
      ['GET', '/v2/team/app/manifests/none'],
      ['PUT', '/v2/team/app/manifests/v1'],
      ['GET', '/elsewhere'],
    ] as const) {
      const answer = await get(registry + path, { method });
      assert.equal(answer.headers['x-content-type-options'], 'nosniff', path);
    }
    assert.equal(pod.larder.logs.find(({ event }) => event === 'ready')?.['service'], 'registry');
  });

  test('has metrics only where they are enabled, at their path', async () => {
    await using upstream = await startOpen();
    const moved = (text: string): string => text.replace('path: /metrics', 'path: /m/x');
    await using there = await startPod(at(upstream), { edit: moved });
    assert.equal((await get(`${there.larder.admin}/metrics`)).status, 404);
    assert.match((await get(`${there.larder.admin}/m/x`)).text(), /^registry_proxy_requests_total/m);
    const off = (text: string): string => text.replace(/(prometheus:\n +enabled:) true/, '$1 false');
    await using none = await startPod(at(upstream), { edit: off });
    assert.equal((await get(`${none.larder.admin}/metrics`)).status, 404);
    assert.equal((await get(`${none.larder.admin}/debug/health`)).status, 200);
  });

  test('serves TLS, and takes changed files without a restart', async () => {
    await using upstream = await startOpen();
    const [pki, next] = [createTestPki(), createTestPki()];
    await using pod = await startPod(at(upstream), { tls: pki.server() });
    await pullImage(pod.larder.registry, 'team/app', 'v1', { ca: pki.caPem });
    pod.writeTls(next.server());
    await waitFor(() =>
      get(`${pod.larder.registry}/v2/`, { ca: next.caPem }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  });

  test('serves everyone with the login in the file, and takes a changed one without a restart', async () => {
    await using upstream = await startUpstream({ auth: 'basic', users: { [USER]: PASSWORD } });
    upstream.push('team/app', IMAGE, 'v1');
    upstream.setAccess('team/app', { readers: [USER] });
    await using pod = await startPod(withLogin(upstream, 'an older one'));
    const manifest = `${pod.larder.registry}/v2/team/app/manifests/v1`;
    assert.equal((await get(manifest)).status, 502);
    pod.config.update({ 'config.yml': pod.text(withLogin(upstream, PASSWORD)) });
    await waitFor(async () => (await get(manifest)).status === 200);
    await pullImage(pod.larder.registry, 'team/app', 'v1');
  });

  test('asks with the login of the caller where the file has none', async () => {
    await using upstream = await startUpstream({ auth: 'basic', users: { [USER]: PASSWORD } });
    upstream.push('team/app', IMAGE, 'v1');
    upstream.setAccess('team/app', { readers: [USER] });
    await using pod = await startPod(at(upstream));
    await pullImage(pod.larder.registry, 'team/app', 'v1', { login: { user: USER, password: PASSWORD } });
    assert.equal((await head(`${pod.larder.registry}/v2/team/app/manifests/v1`)).status, 401);
  });

  test('removes what was not used for a ttl that the changed file shortens', async () => {
    await using upstream = await startOpen();
    await using pod = await startPod(at(upstream));
    await pullImage(pod.larder.registry, 'team/app', 'v1');
    pod.config.update({ 'config.yml': pod.text(at(upstream).replace('168h0m0s', '1s')) });
    const isGone = async () =>
      (await pod.larder.metric('larder_evictions_total', { reason: 'ttl' })) > IMAGE.blobs.length;
    await waitFor(isGone, { limitMs: 20_000 });
  });

  test('names keys without meaning once, and refuses a changed file that cannot be read', async () => {
    await using upstream = await startOpen();
    const edit = (text: string): string =>
      text.replace('  delete:\n', '  cache:\n    blobdescriptor: x\n  delete:\n');
    await using pod = await startPod(at(upstream), { edit });
    pod.config.update({ 'config.yml': pod.text(at(upstream).replace('168h', '24h')) });
    await pod.larder.event('config-applied');
    const warnings = pod.larder.logs.filter(({ event }) => event === 'config-unknown-keys');
    assert.deepEqual(
      warnings.map(({ keys }) => keys),
      [['storage.cache']],
    );
    pod.config.update({ 'config.yml': pod.text(at(upstream, '\n  username: @user\n  password: p')) });
    const { problems } = await pod.larder.event('config-refused');
    assert.match(String(problems), /config\.yml: line \d+, column \d+: not valid YAML/);
    await pullImage(pod.larder.registry, 'team/app', 'v1');
  });

  test('asks for a restart when the process would need other settings', async () => {
    await using upstream = await startOpen();
    await using pod = await startPod(at(upstream));
    pod.config.update({ 'config.yml': pod.text(at(upstream)).replace('25s', '5s') });
    await pod.larder.event('config-restart-needed');
  });

  test('ends running answers at the draintimeout', async () => {
    await using upstream = await startOpen();
    await using pod = await startPod(at(upstream), { edit: (text) => text.replace('25s', '100ms') });
    const hang = upstream.faults.add({ match: { kind: 'manifest' }, hold: true });
    const answer = get(`${pod.larder.registry}/v2/team/app/manifests/v1`).catch(() => undefined);
    await hang.reached();
    assert.equal((await pod.larder.stop()).code, 0);
    hang.release();
    assert.notEqual((await answer)?.status, 200);
  });
});

suite('a larder.yaml beside it', { concurrency: 2 }, () => {
  const document = (upstream: Upstream, more: object): string =>
    JSON.stringify({
      apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
      kind: 'RegistryConfig',
      caches: [{ upstream: upstream.host, remoteURL: upstream.url, ...more }],
    });

  test('replaces the section proxy, with Secrets from the keys beside it, and keeps the rest', async () => {
    await using upstream = await startUpstream({ auth: 'basic', users: { [USER]: PASSWORD } });
    upstream.push('team/app', IMAGE, 'v1');
    upstream.setAccess('team/app', { readers: [USER] });
    const credentials = [{ repositories: ['team/*'], secretReferenceName: 'pull-v1' }];
    const added = {
      'larder.yaml': document(upstream, { credentials }),
      'pull-v1.username': USER,
      'pull-v1.password': PASSWORD,
    };
    await using pod = await startPod(withLogin(upstream, 'an older one'), { added });
    await pullImage(pod.larder.registry, 'team/app', 'v1', { ns: 'elsewhere.example' });
    const { headers } = await get(`${pod.larder.registry}/v2/`);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });

  test('comes into force when it appears, and out of it when it goes', async () => {
    await using upstream = await startOpen();
    await using pod = await startPod(at(upstream));
    const config = { 'config.yml': pod.text(at(upstream)) };
    const ageless = document(upstream, { freshness: { tagTTL: '0s' } });
    const manifest = `${pod.larder.registry}/v2/team/app/manifests/v1`;
    const statusAgain = async (): Promise<string> => {
      await get(manifest);
      return String((await get(manifest)).headers['cache-status']);
    };
    assert.match(await statusAgain(), /hit; ttl=/);
    pod.config.update({ ...config, 'larder.yaml': ageless });
    await waitFor(async () => (await statusAgain()).includes('fwd=stale'));
    pod.config.update(config);
    await waitFor(async () => (await statusAgain()).includes('hit; ttl='));
  });

  test('has exactly one cache', async () => {
    using files = tempDir();
    const text = recordedText('  remoteurl: https://r.example', false);
    const caches = ['a.example', 'b.example'].map((upstream) => ({ upstream }));
    const config = files.write('config.yml', text);
    files.write(
      'larder.yaml',
      JSON.stringify({
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches,
      }),
    );
    const { code, err } = await runMain(['serve', '--distribution-config', config]);
    assert.equal(code, 2);
    assert.match(err, /larder\.yaml: caches: expected exactly one cache, found 2/);
  });

  test('is not left out because it cannot be read', async () => {
    using files = tempDir();
    const config = files.write('config.yml', recordedText('  remoteurl: https://r.example', false));
    symlinkSync('nowhere', join(files.path, 'larder.yaml'));
    const { code, err } = await runMain(['serve', '--distribution-config', config, '--print-config']);
    assert.equal(code, 2);
    assert.match(err, /larder\.yaml: cannot be read: ENOENT/);
  });
});

suite('the command line', () => {
  test('goes before the file, and the file before the environment', async () => {
    await using upstream = await startOpen();
    using files = tempDir();
    const store = join(files.path, 'flag');
    const env = { LARDER_STORE: join(files.path, 'env'), LARDER_ADDRESS: '127.0.0.1:1' };
    await using pod = await startPod(at(upstream), { larder: { flags: ['--store', store], store, env } });
    await pullImage(pod.larder.registry, 'team/app', 'v1');
    assert.deepEqual(
      [store, join(files.path, 'env')].map((path) => existsSync(path)),
      [true, false],
    );
  });

  test('with problems, or with both kinds of configuration, ends with 2', async () => {
    using files = tempDir();
    const config = files.write('config.yml', recordedText('  remoteurl: ftp://r.example', false));
    const wrong = await runMain(['serve', '--distribution-config', config]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /^proxy\.remoteurl: Invalid value: "ftp:\/\/r\.example": url must start/);
    const both = await runMain(['serve', '--distribution-config', config, '--config', config]);
    assert.equal(both.code, 2);
    assert.match(both.err, /either --config or --distribution-config/);
    const flags = ['--default-upstream', 'r.example'];
    const other = await runMain([
      'serve',
      '--distribution-config',
      files.write('good.yml', recordedText('  remoteurl: https://r.example', false)),
      ...flags,
    ]);
    assert.equal(other.code, 2);
    assert.match(other.err, /--default-upstream has no meaning with --distribution-config/);
    const missing = await runMain(['serve', '--distribution-config', join(files.path, 'none.yml')]);
    assert.equal(missing.code, 2);
  });

  test('prints what the file means, without its password', async () => {
    using files = tempDir();
    const proxy =
      '  remoteurl: https://registry-1.docker.io\n  ttl: 0s\n  username: u\n  password: a-password';
    const config = files.write('config.yml', recordedText(proxy, true));
    const { out } = await runMain(['serve', '--print-config', '--distribution-config', config]);
    for (const line of [
      `# distribution-config: ${config}`,
      '# address: [::]:5000',
      '# store: /var/lib/registry',
      '# tls-cert: /etc/distribution/certs/tls.crt',
      '  - upstream: docker.io',
      '    secretReferenceName: distribution-config',
      '      ttl: 0s',
    ])
      assert.ok(out.split('\n').includes(line), line);
    assert.doesNotMatch(out, /a-password/);
  });
});
