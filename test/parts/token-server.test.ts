import assert from 'node:assert/strict';
import { verify, X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { basic, get } from '../kit/client.ts';
import { startTokenServer, type Access, type Account, type TokenServer } from './token-server.ts';

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
    assert.equal(await statusFor('robot', 'a'), 401);
    assert.equal(await statusFor('nobody', 'a:b'), 401);
  });

  async function statusFor(username: string, password: string): Promise<number> {
    return (await get(server.realm, { headers: { authorization: basic(username, password) } })).status;
  }

  async function tokenFor(scope: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await get(`${server.realm}?scope=${encodeURIComponent(scope)}`, { headers });
    return (answer.json() as { token: string }).token;
  }
});

describe('the accounts of a token server', () => {
  const reader = { username: 'reader', password: 'old' };
  const scopes = ['private/a', 'private/b', 'open'].map((name) => `repository:${name}:pull,push`).join(' ');

  test('may each pull what they are allowed, and what everybody may', async () => {
    await using server = await startWith(['open']);
    server.allow(reader, ['private/a']);
    assert.deepEqual(await actionsOf(server, reader), [['pull'], [], ['pull']]);
    assert.deepEqual(await actionsOf(server, undefined), [[], [], ['pull']]);
  });

  test('lose their old password, their rights and their place when told so', async () => {
    await using server = await startWith([]);
    server.allow(reader, ['private/a']);
    server.allow({ ...reader, password: 'new' }, ['private/b']);
    assert.equal(await actionsOf(server, reader), 401);
    assert.deepEqual(await actionsOf(server, { ...reader, password: 'new' }), [[], ['pull'], []]);
    server.forget(reader.username);
    assert.equal(await actionsOf(server, { ...reader, password: 'new' }), 401);
  });

  function startWith(publicPull: readonly string[]): Promise<TokenServer> {
    return startTokenServer({ account: { username: 'robot', password: 'a:b' }, publicPull });
  }

  /** The actions that the account gets for each of the scopes, or the status of a refusal. */
  async function actionsOf(server: TokenServer, account: Account | undefined): Promise<unknown> {
    const headers = account === undefined ? {} : { authorization: basic(account.username, account.password) };
    const answer = await get(`${server.realm}?scope=${encodeURIComponent(scopes)}`, { headers });
    if (answer.status !== 200) return answer.status;
    const access = accessIn((answer.json() as { token: string }).token) as Access[];
    return access.map(({ actions }) => actions);
  }
});

function accessIn(token: string): unknown {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { access: unknown }).access;
}
