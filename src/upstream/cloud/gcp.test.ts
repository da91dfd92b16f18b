import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startCloud } from '../../../test/kit/index.ts';
import { withEnvironment } from '../../../test/upstream/environment.ts';
import { passwordCredential } from '../credentials/credential.ts';
import { createGcpLogin } from './gcp.ts';

const { signal } = new AbortController();

describe('the login at Artifact Registry', () => {
  it("is the user oauth2accesstoken with an access token of the metadata server's, as long as that lives", async () => {
    await using cloud = await startCloud('access-token');
    using _ = withEnvironment(cloud.environment);
    const before = Date.now();
    const { credential, expiresAt = 0 } = await createGcpLogin()(signal);
    assert.deepEqual(credential, passwordCredential('oauth2accesstoken', 'access-token'));
    assert.ok(expiresAt >= before + 3_599_000 && expiresAt <= Date.now() + 3_601_000);
  });

  it('is another with every fetch that finds another: none is remembered', async () => {
    await using cloud = await startCloud('one');
    using _ = withEnvironment(cloud.environment);
    const fetch = createGcpLogin();
    await fetch(signal);
    cloud.secret = 'two';
    assert.deepEqual((await fetch(signal)).credential, passwordCredential('oauth2accesstoken', 'two'));
    assert.equal(cloud.count('google'), 2);
  });

  it('fails when there is no identity', async () => {
    await using cloud = await startCloud('access-token');
    cloud.mood = 'refuses';
    using _ = withEnvironment(cloud.environment);
    await assert.rejects(createGcpLogin()(signal));
  });
});
