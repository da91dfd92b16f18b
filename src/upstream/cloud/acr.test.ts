import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { text } from 'node:stream/consumers';
import { startCloud } from '../../../test/kit/index.ts';
import { withEnvironment } from '../../../test/upstream/environment.ts';
import { systemClock } from '../../kit/clock.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareUpstreamMetrics } from '../metrics.ts';
import { identityTokenCredential } from '../credentials/credential.ts';
import { createAcrLogin } from './acr.ts';
import { createRegistryPost } from './registry-post.ts';

const { signal } = new AbortController();

/** A registry with nothing but the exchange, which answers every form with `status` and `content`. */
async function startRegistry(content: object, status = 200) {
  const forms: { path: string; form: Record<string, string> }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const form = Object.fromEntries(new URLSearchParams(body));
      forms.push({ path: `${request.method} ${request.url}`, form });
      response.writeHead(status).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const metrics = declareUpstreamMetrics(createMetricsRegistry());
  const options = { name: 'r.example', remoteURL: url.href, userAgent: 'larder/test' };
  return {
    url,
    forms,
    fetch: createAcrLogin(url, createRegistryPost({ clock: systemClock, metrics }, options)),
    counted: async () =>
      (await metrics.upstreamRequests.get()).values.map(({ labels, value }) => ({ ...labels, value })),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url');
const refreshToken = (claims: object): string => `${part({ alg: 'none' })}.${part(claims)}.signature`;

describe('the login at Azure Container Registry', () => {
  it("is the refresh token that the registry gives for the managed identity's token, until the end that it names", async () => {
    await using cloud = await startCloud('entra-token');
    const token = refreshToken({ exp: 2_000_000_000 });
    await using registry = await startRegistry({ refresh_token: token });
    using _ = withEnvironment(cloud.environment);
    const { credential, expiresAt } = await registry.fetch(signal);
    assert.deepEqual(credential, identityTokenCredential(token));
    assert.equal(expiresAt, 2_000_000_000_000);
    assert.deepEqual(registry.forms, [
      {
        path: 'POST /oauth2/exchange',
        form: { grant_type: 'access_token', service: registry.url.host, access_token: 'entra-token' },
      },
    ]);
    const asked = cloud.requests.find(({ service }) => service === 'azure');
    assert.equal(
      new URLSearchParams(asked?.url.split('?')[1]).get('resource'),
      'https://containerregistry.azure.net',
    );
    assert.deepEqual(await registry.counted(), [
      { upstream_host: 'r.example', method: 'POST', kind: 'token', code: '200', value: 1 },
    ]);
  });

  it('has no known end when the token is none that can be read', async () => {
    await using cloud = await startCloud('entra-token');
    using _ = withEnvironment(cloud.environment);
    for (const token of ['opaque', 'a.%%%.c', refreshToken({ exp: 'soon' })]) {
      await using registry = await startRegistry({ refresh_token: token });
      assert.deepEqual(await registry.fetch(signal), {
        credential: identityTokenCredential(token),
        expiresAt: undefined,
      });
    }
  });

  it('fails with what the registry said, and without the token, when the identity may not pull', async () => {
    await using cloud = await startCloud('entra-token');
    using _ = withEnvironment(cloud.environment);
    await using refusing = await startRegistry({ errors: [] }, 401);
    await assert.rejects(refusing.fetch(signal), ({ message }: Error) => {
      assert.match(message, /\/oauth2\/exchange answered 401/);
      return !message.includes('entra-token');
    });
    await using empty = await startRegistry({});
    await assert.rejects(empty.fetch(signal), /without a refresh token/);
  });

  it('fails when there is no identity, without asking the registry', async () => {
    await using cloud = await startCloud('entra-token');
    cloud.mood = 'refuses';
    await using registry = await startRegistry({});
    // Azure's client remembers the tokens of an identity for the whole process.
    using _ = withEnvironment({ ...cloud.environment, AZURE_CLIENT_ID: 'another-identity' });
    await assert.rejects(registry.fetch(signal), { name: 'AggregateAuthenticationError' });
    assert.deepEqual(registry.forms, []);
  });
});
