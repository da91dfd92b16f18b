import assert from 'node:assert/strict';
import { verify, X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { basic, get } from '../kit/client.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

describe('the token server', () => {
  let server: TokenServer;
  before(async () => {
    server = await startTokenServer({ account: { username: 'robot', password: 'a:b' }, publicPull: true });
  });
  after(() => server[Symbol.asyncDispose]());

  test('signs with a key that its authority vouches for', async () => {
    const [header = '', claims = '', signature = ''] = (await tokenFor('repository:a/b:pull')).split('.');
    const { x5c } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { x5c: [string] };
    const certificate = new X509Certificate(Buffer.from(x5c[0], 'base64'));
    assert.ok(certificate.verify(new X509Certificate(server.authority).publicKey));
    const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url')));
  });

  test('lets anybody pull and only its account push', async () => {
    const scope = 'repository:host:5000/a/b:pull,push';
    assert.deepEqual(accessIn(await tokenFor(scope)), [
      { type: 'repository', name: 'host:5000/a/b', actions: ['pull'] },
    ]);
    assert.deepEqual(accessIn(await tokenFor(scope, { authorization: basic('robot', 'a:b') })), [
      { type: 'repository', name: 'host:5000/a/b', actions: ['pull', 'push'] },
    ]);
  });

  test('answers the form that containerd posts', async () => {
    const form = { grant_type: 'password', username: 'robot', password: 'a:b', scope: 'repository:a:push' };
    const send = new URLSearchParams(form).toString();
    const answer = await get(server.realm, { method: 'POST', send });
    assert.deepEqual(accessIn((answer.json() as { access_token: string }).access_token), [
      { type: 'repository', name: 'a', actions: ['push'] },
    ]);
  });

  test('refuses a wrong password', async () => {
    const answer = await get(server.realm, { headers: { authorization: basic('robot', 'a') } });
    assert.equal(answer.status, 401);
  });

  async function tokenFor(scope: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await get(`${server.realm}?scope=${encodeURIComponent(scope)}`, { headers });
    return (answer.json() as { token: string }).token;
  }
});

function accessIn(token: string): unknown {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { access: unknown }).access;
}
