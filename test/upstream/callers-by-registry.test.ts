/**
 * Answers to callers with their own credential, for each registry in the field: the status, the challenge, the number of requests that
 * reached the registry, and that the credential went nowhere else.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { basic, type Upstream } from '../kit/index.ts';
import { clientOf } from './client.ts';
import { bearer, BLOB, MANIFEST, SCOPE, startTeamApp, type TeamAppOptions } from './team-app.ts';

type Caller = (typeof CALLERS)[number];
const CALLERS = ['a good credential', 'an expired credential', 'a wrong password', 'no credential'] as const;

/** The answer to a caller; `{realm}` stands for the URL of the token server. */
interface ExpectedAnswer {
  readonly status: number;
  readonly challenges?: readonly string[];
  /** Requests that reach the registry for the first request of a caller; 1 by default, and for each later one. */
  readonly first?: number;
}

interface Registry {
  readonly name: string;
  readonly options: TeamAppOptions;
  readonly scope?: string;
  /** Registries with Basic have passwords where others have tokens. */
  readonly credentials?: 'passwords';
  readonly answers: Readonly<Record<Caller, ExpectedAnswer>>;
}

const USUAL = `Bearer realm="{realm}",service="test-registry",scope="${SCOPE}"`;
const INVALID = { status: 401, challenges: [`${USUAL},error="invalid_token"`] };
const FINE = { status: 200 };
const ANONYMOUS = { status: 401, challenges: [USUAL] };
const DISTRIBUTION = {
  'a good credential': FINE,
  'an expired credential': INVALID,
  'a wrong password': INVALID,
  'no credential': ANONYMOUS,
};

const AWS = 'Bearer realm="{realm}",service="test-registry",scope="aws"';
const ECR = 'Basic realm="https://1234.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"';

const REGISTRIES: readonly Registry[] = [
  {
    name: 'Docker Hub',
    options: { redirect: { host: '127.0.0.2' }, hidesUnknown: true, token: { at: 'own-port' } },
    answers: DISTRIBUTION,
  },
  {
    name: 'GHCR',
    options: {
      redirect: { refuseHead: true },
      challenge: { deniesForeignCredentials: true, bareAfterRefusal: true },
    },
    answers: {
      ...DISTRIBUTION,
      'an expired credential': { ...INVALID, first: 2 },
      'a wrong password': { status: 403 },
    },
  },
  {
    name: 'Quay, private',
    options: { redirect: { status: 302, headDirectly: true }, publicWithoutToken: true },
    answers: DISTRIBUTION,
  },
  {
    name: 'Quay, public, without a scope in its challenge',
    options: {
      redirect: { status: 302, headDirectly: true },
      publicWithoutToken: true,
      isPublic: true,
      challenge: { withoutScope: true, withoutError: true },
    },
    answers: {
      'a good credential': FINE,
      'an expired credential': {
        status: 401,
        challenges: ['Bearer realm="{realm}",service="test-registry",error="invalid_token"'],
      },
      'a wrong password': {
        status: 401,
        challenges: ['Bearer realm="{realm}",service="test-registry",error="invalid_token"'],
      },
      'no credential': FINE,
    },
  },
  {
    name: 'Artifact Registry',
    options: {
      redirect: { to: 'same-origin', status: 302 },
      challenge: { relativeRealm: true, pingWithoutService: true },
    },
    answers: DISTRIBUTION,
  },
  {
    name: 'ECR, private',
    options: { auth: 'basic', redirect: {}, challenge: { basic: ECR } },
    credentials: 'passwords',
    answers: {
      'a good credential': FINE,
      'an expired credential': { status: 401, challenges: [ECR] },
      'a wrong password': { status: 401, challenges: [ECR] },
      'no credential': { status: 401, challenges: [ECR] },
    },
  },
  {
    name: 'ECR Public',
    options: { redirect: {}, challenge: { fixedScope: 'aws', badTokenStatus: 400 } },
    scope: 'aws',
    answers: {
      'a good credential': FINE,
      'an expired credential': { status: 401, challenges: [`${AWS},error="invalid_token"`], first: 2 },
      'a wrong password': { status: 400 },
      'no credential': { status: 401, challenges: [AWS] },
    },
  },
  { name: 'ACR', options: { redirect: { host: '127.0.0.2' }, token: { post: 400 } }, answers: DISTRIBUTION },
  {
    name: 'GitLab',
    options: { redirect: {}, token: { at: 'own-port', refusalStatus: 403 } },
    answers: DISTRIBUTION,
  },
  {
    name: 'Harbor',
    options: { challenge: { basicAfterRefusal: true, basic: 'Basic realm="harbor"' }, token: { post: 403 } },
    answers: {
      'a good credential': FINE,
      'an expired credential': { ...INVALID, first: 2 },
      'a wrong password': { status: 401, challenges: ['Basic realm="harbor"'] },
      'no credential': ANONYMOUS,
    },
  },
  {
    name: 'MCR',
    options: { auth: 'none', redirect: { host: '127.0.0.2' } },
    answers: {
      'a good credential': FINE,
      'an expired credential': FINE,
      'a wrong password': FINE,
      'no credential': FINE,
    },
  },
];

/** The `Authorization` of each caller. */
function headerOf(
  caller: Caller,
  upstream: Upstream,
  { scope = SCOPE, credentials }: Registry,
): string | null {
  if (caller === 'no credential') return null;
  if (caller === 'a wrong password') return basic('alice', 'wrong');
  if (credentials === 'passwords')
    return basic('alice', caller === 'a good credential' ? 'secret' : 'of yesterday');
  return bearer(upstream, { scope, lifeMs: caller === 'a good credential' ? 60_000 : -1 });
}

const requestsToRegistry = (upstream: Upstream): number =>
  upstream.count({ kind: ['manifest', 'blob', 'ping'] });

/** Asserts that a header went to the registry alone, and that no token was requested. */
function assertKept(upstream: Upstream): void {
  assert.equal(upstream.count({ kind: 'token' }), 0);
  assert.equal(upstream.count({ kind: ['cdn', 'other'], authorization: ['basic', 'bearer', 'other'] }), 0);
}

for (const registry of REGISTRIES) {
  describe(registry.name, () => {
    for (const caller of CALLERS) {
      const { status, challenges = [], first = 1 } = registry.answers[caller];

      test(`a caller with ${caller} is answered ${status}`, async () => {
        await using upstream = await startTeamApp(registry.options);
        await using client = clientOf(upstream);
        const header = headerOf(caller, upstream, registry);
        const realm = `${(upstream.tokenServer ?? upstream).url}/token`;
        const expected = challenges.map((line) => line.replace('{realm}', realm));
        for (const [path, count] of [
          [MANIFEST, first],
          [BLOB, 1],
        ] as const) {
          upstream.reset();
          const answer = await client.ask({ path, caller: header });
          assert.deepEqual([answer.status, answer.challenges], [status, expected], path);
          assert.equal(requestsToRegistry(upstream), count, path);
          assertKept(upstream);
        }
      });
    }
  });
}

describe('registry.k8s.io', () => {
  async function startFront(regional: Upstream): Promise<Upstream> {
    const front = await startTeamApp({ auth: 'none' });
    front.faults.add({
      match: { kind: 'manifest' },
      status: 307,
      headers: { location: `${regional.url}${MANIFEST}` },
    });
    front.faults.add({
      match: { kind: 'blob' },
      status: 307,
      headers: { location: `${regional.url}${BLOB}` },
    });
    return front;
  }

  test('the regional registry serves every caller by an anonymous token of its own, and never sees a header', async () => {
    await using regional = await startTeamApp({ isPublic: true, redirect: {} });
    await using front = await startFront(regional);
    await using client = clientOf(front);
    for (const caller of [bearer(front), basic('alice', 'wrong'), null]) {
      for (const path of [MANIFEST, BLOB]) {
        const answer = await client.ask({ path, caller });
        assert.deepEqual([answer.status, answer.challenges], [200, []]);
      }
    }
    assert.equal(front.count(), 6);
    assert.deepEqual(
      regional.tokens.issued.map(({ user }) => user),
      ['anonymous'],
    );
    assert.equal(regional.count({ authorization: 'basic' }), 0);
    assert.equal(regional.count({ user: 'alice' }), 0);
  });

  test('a 401 of the regional registry is not shown as one of the upstream', async () => {
    await using regional = await startTeamApp();
    await using front = await startFront(regional);
    await using client = clientOf(front);
    for (const caller of [bearer(front), null]) {
      await assert.rejects(client.ask({ path: MANIFEST, caller }), { code: 'UPSTREAM_BAD_ANSWER' });
    }
    assert.equal(regional.count({ user: 'alice' }), 0);
  });
});
