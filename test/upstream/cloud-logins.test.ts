/** A cloud login at a registry that may refuse it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/kit/logger.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import { createCloudLogin } from '../../src/upstream/cloud/cloud-login.ts';
import type { CredentialSource } from '../../src/upstream/credentials/configured-credentials.ts';
import { imageOf, startCloud, startUpstream } from '../kit/index.ts';
import { clientOf } from './client.ts';
import { withEnvironment } from './environment.ts';

const IMAGE = imageOf();
const APP = '/v2/app/manifests/v1';
const OTHER = '/v2/other/manifests/v1';

/** A client with a login of ECR at a registry where only this login may read `app`, and no login may read `other`. */
async function open(auth: 'basic' | 'bearer') {
  const stack = new AsyncDisposableStack();
  const cloud = stack.use(await startCloud('hush-1'));
  stack.use(withEnvironment(cloud.environment));
  const upstream = stack.use(await startUpstream({ auth, users: { AWS: 'hush-1' } }));
  for (const name of ['app', 'other']) upstream.push(name, IMAGE, 'v1');
  upstream.setAccess('app', { readers: ['AWS'] });
  upstream.setAccess('other', { readers: [] });
  let login: CredentialSource = () => undefined;
  const client = stack.use(
    clientOf(upstream, { credentials: (_, signal, refused) => login(signal, refused) }),
  );
  const logger = createLogger({ level: 'debug', format: 'json' }, (line) =>
    (client.log as string[]).push(line),
  );
  const tasks = new TaskGroup(logger);
  stack.defer(() => tasks.close());
  const { clock, metrics } = client;
  login = createCloudLogin({ clock, metrics, logger, tasks }, 'ecr', {
    name: upstream.host,
    remoteURL: upstream.url,
    userAgent: 'larder/test',
  });
  return { cloud, upstream, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

for (const auth of ['basic', 'bearer'] as const) {
  test(`a login that the registry refuses is replaced, and the request succeeds with the new one (${auth})`, async () => {
    await using opened = await open(auth);
    const { client, cloud, upstream } = opened;
    assert.equal((await client.ask(APP)).status, 200);
    upstream.users.set('AWS', 'hush-2');
    cloud.secret = 'hush-2';
    // Long enough for tokens that were bought with it.
    upstream.advanceClock(600_000);
    client.clock.advance(600_000);
    assert.equal((await client.ask(APP)).status, 200);
    assert.equal(cloud.count('ecr'), 2);
    assert.equal((await client.ask(APP)).status, 200);
    assert.equal(cloud.count('ecr'), 2);
    assert.doesNotMatch(client.log.join('') + (await client.metrics.registry.metrics()), /hush/);
  });

  test(`a repository that the identity may not read is a refusal, and the cloud is asked once a minute at most (${auth})`, async () => {
    await using opened = await open(auth);
    const { client, cloud } = opened;
    for (const asked of [1, 2, 3]) {
      cloud.secret = `hush-${asked}`;
      opened.upstream.users.set('AWS', cloud.secret);
      for (const _ of [1, 2, 3]) {
        await assert.rejects(client.ask(OTHER), { code: 'UPSTREAM_CREDENTIAL_REFUSED' });
        assert.equal((await client.ask(APP)).status, 200);
      }
      assert.equal(cloud.count('ecr'), asked);
      client.clock.advance(61_000);
    }
  });
}

test('without a login nothing is sent, and the failure names upstream, provider and advice', async () => {
  await using opened = await open('basic');
  const { client, cloud, upstream } = opened;
  assert.equal((await client.ask(APP)).status, 200);
  upstream.reset();
  cloud.mood = 'refuses';
  const labels = { upstream_host: upstream.host, provider: 'ecr' };
  const secondsLeft = async (): Promise<number> =>
    (await client.metric('larder_cloud_login_end_timestamp_seconds', labels)) - client.clock.now() / 1000;
  assert.ok((await secondsLeft()) > 0);
  client.clock.advance(24 * 3600_000);
  assert.ok((await secondsLeft()) < 0);
  for (const _ of [1, 2]) {
    await assert.rejects(client.ask(APP), {
      code: 'UPSTREAM_CREDENTIAL_UNAVAILABLE',
      message: `${upstream.host}: this server's own identity got no login (provider ecr)`,
      hint: 'give the pod an IAM role that allows ecr:GetAuthorizationToken (IRSA, EKS Pod Identity or the node)',
    });
  }
  assert.equal(upstream.count(), 0);
  assert.equal(await client.metric('larder_cloud_login_failing', labels), 1);
  assert.equal(client.log.filter((line) => line.includes('no cloud login')).length, 1);

  cloud.mood = 'answers';
  client.clock.advance(1_000);
  assert.equal((await client.ask(APP)).status, 200);
  assert.equal(await client.metric('larder_cloud_login_failing', labels), 0);
});
