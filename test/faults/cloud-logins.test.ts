/** Cloud logins: the configured credential comes from the identity that the process runs with, by the clouds' own clients. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  get,
  imageOf,
  measureMachine,
  pullImage,
  startCloud,
  startUpstream,
  waitFor,
  type Cloud,
  type LarderProcess,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { cacheStatus, configOf, errorCode, manifestUrl, startCache } from './setting.ts';

const IMAGE = imageOf({ layers: [5000, 70_000] });
const SECRET = 'hush-cloud-secret';

/** A private registry of each cloud, as far as logins go. */
const REGISTRIES = {
  ecr: { auth: 'basic', users: { AWS: SECRET } },
  gcp: { auth: 'bearer', users: { oauth2accesstoken: SECRET }, token: { post: 404 } },
  acr: { auth: 'bearer', users: { 'hush-principal': 'no password' } },
} as const satisfies Record<string, UpstreamOptions>;
type Provider = keyof typeof REGISTRIES;

async function privateRegistry(provider: Provider, tls = false): Promise<Upstream> {
  const options = REGISTRIES[provider];
  const upstream = await startUpstream({ ...options, tls });
  upstream.push('team/app', IMAGE, 'v1');
  upstream.setAccess('team/app', { readers: Object.keys(options.users) });
  // The exchange of Azure's registries: a token of Entra ID for one that their token server takes.
  upstream.faults.add({
    match: { method: 'POST', where: ({ path }) => path === '/oauth2/exchange' },
    status: 200,
    body: { text: JSON.stringify({ refresh_token: 'refresh-token-of-hush-principal' }) },
  });
  return upstream;
}

function startWith(upstream: Upstream, provider: Provider, cloud: Cloud): Promise<LarderProcess> {
  return startCache(upstream, { cache: { provider }, env: cloud.environment });
}

/** Logs which of the clouds' packages the process loads. */
const MODULE_SPY = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      const [name] = /^(@aws-sdk\\/client-\\w+|google-auth-library|@azure\\/identity)/.exec(specifier) ?? [];
      if (name !== undefined) process.stderr.write(JSON.stringify({ event: 'loaded', name }) + '\\n');
      return next(specifier, context);
    },
  });
`)}`;

suite('cloud logins', { concurrency: 2 }, () => {
  for (const provider of ['ecr', 'gcp', 'acr'] as const) {
    test(`${provider}: everyone pulls with the login of the pod's identity, which is fetched once and shows nowhere`, async () => {
      await using cloud = await startCloud(SECRET);
      await using upstream = await privateRegistry(provider);
      await using larder = await startWith(upstream, provider, cloud);
      await Promise.all([1, 2, 3].map(() => pullImage(larder.registry, 'team/app', 'v1')));
      assert.equal(upstream.count({ kind: 'blob', method: 'GET', status: 200 }), IMAGE.blobs.length);
      assert.ok(
        upstream.requests
          .filter(({ kind, status }) => status === 200 && kind !== 'token' && kind !== 'other')
          .every(({ authorization }) => authorization.user === Object.keys(REGISTRIES[provider].users)[0]),
      );
      const service = { ecr: 'ecr', gcp: 'google', acr: 'azure' } as const;
      assert.equal(cloud.count(service[provider]), 1);
      assert.equal(await larder.metric('larder_cloud_login_failing', { provider }), 0);
      const metrics = await get(`${larder.admin}/metrics`);
      assert.doesNotMatch(JSON.stringify(larder.logs) + metrics.text(), /hush/);
      // The start logs once that the login serves everyone. Nothing else is logged.
      assert.deepEqual(
        larder.logs
          .filter(({ level, msg }) => level !== 'info' || msg === undefined)
          .map(({ level, event }) => ({ level, event })),
        [{ level: 'warn', event: 'config-shared' }],
      );
    });
  }

  for (const [provider, services] of [
    ['ecr', ['sts', 'ecr']],
    ['gcp', ['google']],
    ['acr', ['azure']],
  ] as const) {
    test(`${provider}: a service account's token is traded at the cloud's own addresses, by way of the proxy, and used under the CA of the registry`, async () => {
      await using cloud = await startCloud(SECRET, { behindProxy: true });
      await using upstream = await privateRegistry(provider, true);
      await using larder = await startCache(upstream, {
        cache: { provider, caBundleSecretReferenceName: 'ca' },
        secrets: { ca: { 'bundle.crt': upstream.caPem ?? '' } },
        env: cloud.environment,
      });
      await pullImage(larder.registry, 'team/app', 'v1');
      const asked = cloud.requests.filter(({ service }) => service !== 'unknown');
      assert.deepEqual(
        asked.map(({ service }) => service),
        services,
      );
      assert.match(String(asked[0]?.body), /service-account-token/);
    });
  }

  test('without an identity a pull is refused with the cause, once in the log; when it comes, pulls go on', async () => {
    await using cloud = await startCloud(SECRET);
    cloud.mood = 'refuses';
    await using upstream = await privateRegistry('ecr');
    await using larder = await startWith(upstream, 'ecr', cloud);
    for (const _ of [1, 2, 3]) {
      const answer = await get(manifestUrl(larder, 'team/app', 'v1'));
      assert.equal(answer.status, 502);
      assert.equal(errorCode(answer), 'UNAVAILABLE');
      assert.deepEqual(cacheStatus(answer), ['larder', 'detail=UPSTREAM_CREDENTIAL_UNAVAILABLE']);
      assert.match(answer.text(), /own identity got no login \(provider ecr\).*IAM role/);
    }
    assert.equal(upstream.count(), 0);
    assert.equal(await larder.metric('larder_cloud_login_failing', { provider: 'ecr' }), 1);
    const warnings = larder.logs.filter(({ msg }) => msg === 'no cloud login');
    assert.equal(warnings.length, 1);
    assert.match(String(warnings[0]?.['error']), /load credentials/);

    cloud.mood = 'answers';
    await waitFor(() => pullImage(larder.registry, 'team/app', 'v1'), { limitMs: 10_000, everyMs: 200 });
    assert.equal(await larder.metric('larder_cloud_login_failing', { provider: 'ecr' }), 0);
    assert.equal(larder.logs.filter(({ msg }) => msg === 'the cloud login works again').length, 1);
  });

  test('a failing login that is configured away fails no longer', async () => {
    await using cloud = await startCloud(SECRET);
    cloud.mood = 'refuses';
    await using upstream = await privateRegistry('gcp');
    await using larder = await startWith(upstream, 'gcp', cloud);
    const failing = (): Promise<number> => larder.metric('larder_cloud_login_failing');
    await waitFor(async () => (await failing()) === 1);
    larder.writeConfig(configOf(upstream));
    await waitFor(async () => (await failing()) === 0);
  });

  test("a cloud's client is loaded when its provider is configured, and not before", async () => {
    await using cloud = await startCloud(SECRET);
    await using upstream = await privateRegistry('gcp');
    upstream.push('public', IMAGE, 'v1');
    const env = { ...cloud.environment, NODE_OPTIONS: `--import=${MODULE_SPY}` };
    await using larder = await startCache(upstream, { env });
    await pullImage(larder.registry, 'public', 'v1');
    const loaded = (): unknown[] =>
      larder.logs.filter(({ event }) => event === 'loaded').map(({ name }) => name);
    assert.deepEqual(loaded(), []);
    larder.writeConfig(configOf(upstream, { provider: 'gcp' }));
    await waitFor(() => pullImage(larder.registry, 'team/app', 'v1'), { everyMs: 200 });
    assert.deepEqual([...new Set(loaded())], ['google-auth-library']);
  });

  test('a cloud that does not answer does not hold up the end of the process', async () => {
    await using cloud = await startCloud(SECRET);
    cloud.mood = 'hangs';
    await using upstream = await privateRegistry('ecr');
    await using larder = await startWith(upstream, 'ecr', cloud);
    await waitFor(() => cloud.requests.length > 0);
    const { limit } = await measureMachine();
    const begun = performance.now();
    assert.deepEqual(await larder.stop(), { code: 0, signal: null });
    assert.ok(performance.now() - begun < limit(5_000));
  });
});
