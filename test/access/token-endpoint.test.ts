/**
 * `authentication.realm: Cache`, end to end: clients that know nothing but a path in front of the name log in at Larder, and Larder at
 * the upstream.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  basic,
  createTestPki,
  get,
  imageOf,
  pullImage,
  startLarder,
  startUpstream,
  tempDir,
  waitFor,
  type GetResult,
  type LarderProcess,
  type Upstream,
  type UpstreamOptions,
} from '../kit/index.ts';
import { cacheStatus, configWith, errorCode, manifestUrl, startCache } from '../faults/setting.ts';

const IMAGE = imageOf({ layers: [5000, 70_000] });
const ALICE = { user: 'alice', password: 'correct:horse-1' };
const BOB = { user: 'bob', password: 'battery-staple-2' };
const REALM_CACHE = { authentication: { realm: 'Cache' } };

/** A registry with `team/public`, and `team/secret`, which alice may read. */
async function registry(options: UpstreamOptions = {}): Promise<Upstream> {
  const users = { [ALICE.user]: ALICE.password, [BOB.user]: BOB.password };
  const upstream = await startUpstream({ auth: 'bearer', users, ...options });
  for (const name of ['team/public', 'team/secret', 'team/other']) upstream.push(name, IMAGE, 'v1');
  for (const name of ['team/secret', 'team/other']) upstream.setAccess(name, { readers: [ALICE.user] });
  return upstream;
}

interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
}

/** Asks Larder for a token by GET. */
function askToken(
  larder: LarderProcess,
  upstream: Upstream,
  scopes: readonly string[],
  login?: { user: string; password: string },
): Promise<GetResult> {
  const query = new URLSearchParams(scopes.map((scope) => ['scope', scope]));
  const headers = login === undefined ? {} : { authorization: basic(login.user, login.password) };
  return get(`${larder.registry}/token/${upstream.host}?${query}`, { headers });
}

function askByPost(
  larder: LarderProcess,
  upstream: Upstream,
  form: Record<string, string>,
): Promise<GetResult> {
  return get(`${larder.registry}/token/${upstream.host}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    send: new URLSearchParams({ service: 'x', client_id: 'test', ...form }).toString(),
  });
}

async function tokenOf(answer: GetResult | Promise<GetResult>): Promise<string> {
  const { status, json, text } = await answer;
  assert.equal(status, 200, text());
  return (json() as TokenAnswer).token;
}

function bearer(token: string): { headers: { authorization: string } } {
  return { headers: { authorization: `Bearer ${token}` } };
}

function pull(name: string): string {
  return `repository:${name}:pull`;
}

for (const auth of ['basic', 'bearer'] as const) {
  suite(`a client with an alias in the name, in front of a ${auth} upstream`, { concurrency: 2 }, () => {
    test('pulls private content with a login at Larder, and nobody without that login does', async () => {
      await using upstream = await registry({ auth });
      await using larder = await startCache(upstream, { cache: REALM_CACHE });
      const pulled = await pullImage(larder.registry, 'team/secret', 'v1', {
        alias: upstream.host,
        login: ALICE,
      });
      assert.equal(pulled.digest, IMAGE.digest);
      const challenged = pulled.answers.find(({ status }) => status === 401);
      assert.equal(
        challenged?.headers['www-authenticate'],
        `Bearer realm="${larder.registry}/token/${upstream.host}",service="${new URL(larder.registry).host}",` +
          `scope="${pull(`${upstream.host}/team/secret`)}"`,
      );
      const content = upstream.requests.filter(
        ({ kind, status }) => status === 200 && (kind === 'manifest' || kind === 'blob'),
      );
      assert.ok(content.length >= IMAGE.blobs.length + 1);
      assert.ok(content.every(({ authorization }) => authorization.user === ALICE.user));

      for (const login of [undefined, BOB, { ...ALICE, password: 'wrong' }]) {
        const attempt = pullImage(larder.registry, 'team/secret', 'v1', {
          alias: upstream.host,
          ...(login && { login }),
        });
        await assert.rejects(attempt, login === undefined || auth === 'bearer' ? /40[13]/ : /40[13]/);
      }
    });
  });
}
