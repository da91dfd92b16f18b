import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startCloud, tempDir } from '../../../test/kit/index.ts';
import { withEnvironment } from '../../../test/upstream/environment.ts';
import { passwordCredential } from '../credentials/credential.ts';
import { createEcrLogin } from './ecr.ts';

const { signal } = new AbortController();
const PRIVATE = new URL('https://123456789012.dkr.ecr.eu-central-1.amazonaws.com');

/** The region that a request was signed for. */
const regionOf = (authorization: unknown): unknown =>
  /Credential=\w+\/\d+\/([^/]+)\//.exec(String(authorization))?.[1];

describe('the login at ECR', () => {
  it("is the user AWS with the password of GetAuthorizationToken, asked with the container's own credentials", async () => {
    await using cloud = await startCloud('pass:word');
    using _ = withEnvironment(cloud.environment);
    const before = Date.now();
    const { credential, expiresAt = 0 } = await createEcrLogin(PRIVATE)(signal);
    assert.deepEqual(credential, passwordCredential('AWS', 'pass:word'));
    assert.ok(expiresAt >= before + 3_599_000 && expiresAt <= Date.now() + 3_600_000);
    const [container, ecr] = cloud.requests;
    assert.equal(container?.headers.authorization, 'container-token-hush');
    assert.equal(ecr?.service, 'ecr');
    assert.equal(regionOf(ecr.headers.authorization), 'eu-central-1');
  });

  it("trades a service account's token for a role (IRSA)", async () => {
    await using cloud = await startCloud('password');
    using files = tempDir();
    using _ = withEnvironment({
      ...cloud.environment,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/larder',
      AWS_WEB_IDENTITY_TOKEN_FILE: files.write('token', 'service-account-token'),
    });
    await createEcrLogin(PRIVATE)(signal);
    assert.deepEqual(
      cloud.requests.map(({ service }) => service),
      ['sts', 'ecr'],
    );
    assert.match(String(cloud.requests[0]?.body), /WebIdentityToken=service-account-token/);
    assert.match(String(cloud.requests[1]?.headers.authorization), /Credential=AKIDROLE\//);
  });

  for (const [host, region] of [
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['123456789012.dkr-ecr.us-east-2.on.aws', 'us-east-2'],
    ['registry.example.com', 'eu-test-1'],
  ]) {
    it(`asks in the region ${region} for ${host}`, async () => {
      await using cloud = await startCloud('password');
      using _ = withEnvironment(cloud.environment);
      await createEcrLogin(new URL(`https://${host}`))(signal);
      const ecr = cloud.requests.find(({ service }) => service === 'ecr');
      assert.equal(regionOf(ecr?.headers.authorization), region);
    });
  }

  it('of public.ecr.aws comes from the API of ECR Public in us-east-1', async () => {
    await using cloud = await startCloud('password');
    using _ = withEnvironment(cloud.environment);
    const { credential } = await createEcrLogin(new URL('https://public.ecr.aws'))(signal);
    assert.deepEqual(credential, passwordCredential('AWS', 'password'));
    const asked = cloud.requests.find(({ service }) => service === 'ecr-public');
    assert.equal(regionOf(asked?.headers.authorization), 'us-east-1');
  });

  it('fails with the words of AWS when the identity may not have one', async () => {
    await using cloud = await startCloud('password');
    cloud.mood = 'refuses';
    using _ = withEnvironment(cloud.environment);
    await assert.rejects(createEcrLogin(PRIVATE)(signal), { name: 'CredentialsProviderError' });
  });
});
