import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fakeUpstream, type FakeAnswer, type FakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { targetOf } from '../../../test/cache/target.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { LarderError, isLarderError, type ErrorCode } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { digestOf } from '../../oci/digest.ts';
import { parseTag } from '../../oci/reference.ts';
import { createRecentFailures } from '../pull/recent-failures.ts';
import { createSizeHints } from '../pull/size-hints.ts';
import { createManifests } from './manifests.ts';
import { createStaleFallback } from '../pull/stale-fallback.ts';
import { createTagFreshness, type ResolvedTag } from './tag-freshness.ts';

const TTL_MS = 30_000;
const STALE_MS = 300_000;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Behaviour of the upstream: a version to answer with, a status, an error of the network, or silence. */
type Upstream = { version: number } | { status: number } | { fails: ErrorCode } | 'silent';

interface Setting {
  readonly clock: ManualClock;
  readonly client: FakeUpstream;
  upstream: Upstream;
  /** Options for one request; GET of `latest` with the `Accept` of a common client by default. */
  resolve(options?: {
    tag?: string;
    accept?: string;
    method?: 'GET' | 'HEAD';
    signal?: AbortSignal;
  }): Promise<ResolvedTag>;
}

function setting(
  options: {
    answer?: (version: number, method: string) => FakeAnswer;
    freshness?: Record<string, string>;
  } = {},
): Setting {
  const { answer = versionAnswer, freshness = { tagTTL: '30s', staleIfError: '5m' } } = options;
  const clock = new ManualClock();
  const store = new MemoryStore(() => clock.now());
  const failures = createRecentFailures(clock);
  const { signal } = new AbortController();
  const client = fakeUpstream(({ method }) => {
    const { upstream } = self;
    if (upstream === 'silent') return new Promise<FakeAnswer>(() => {});
    if ('fails' in upstream) throw new LarderError(upstream.fails, 'failed');
    return 'version' in upstream ? answer(upstream.version, method) : upstream;
  });
  const manifests = createManifests({
    store,
    clock,
    logger: silentLogger,
    sizes: createSizeHints(),
    failures,
    signal,
  });
  const staleFallback = createStaleFallback(clock);
  const resolveTag = createTagFreshness({ store, manifests, staleFallback, clock, failures, signal });
  const target = targetOf(client, { freshness });
  const self: Setting = {
    clock,
    client,
    upstream: { version: 1 },
    resolve: ({
      tag = 'latest',
      accept = MANIFEST,
      method = 'GET',
      signal: own = new AbortController().signal,
    } = {}) => resolveTag({ target, tag: parseTag(tag), accept, method, caller: { signal: own } }),
  };
  return self;
}

function contentOf(version: number): Buffer {
  return Buffer.from(JSON.stringify({ layers: [], annotations: { version: String(version) } }));
}

function versionAnswer(version: number, method: string): FakeAnswer {
  const content = contentOf(version);
  const headers = { 'content-type': MANIFEST, 'docker-content-digest': digestOf(content) };
  return { headers, contentLength: content.length, body: method === 'HEAD' ? [] : [content] };
}

/** Text of a resolved tag: `version status`. */
function text({ entry, status }: ResolvedTag): string {
  const version = [1, 2, 3, 4, 5, 6, 7, 8, 9].find(
    (candidate) => digestOf(contentOf(candidate)) === entry.digest,
  );
  return `${version} ${status.kind}${status.kind === 'stale' ? ` ${status.detail}` : ''}`;
}

async function outcome(resolving: Promise<ResolvedTag>): Promise<string> {
  try {
    return text(await resolving);
  } catch (error) {
    return isLarderError(error) ? error.code : String(error);
  }
}

describe('model: any sequence of pushes, failures, recoveries, waits and requests', () => {
  type Step =
    | { advance: number }
    | { upstream: Exclude<Upstream, 'silent'> | 'push' }
    | { ask: 'GET' | 'HEAD' };
  const failure: fc.Arbitrary<Step> = fc
    .constantFrom<Exclude<Upstream, 'silent'>>(
      { fails: 'UPSTREAM_UNREACHABLE' },
      { fails: 'UPSTREAM_5XX' },
      { fails: 'UPSTREAM_RATE_LIMITED' },
      { fails: 'UPSTREAM_TIMEOUT' },
      { fails: 'UPSTREAM_BREAKER_OPEN' },
      { fails: 'UPSTREAM_CREDENTIAL_REFUSED' },
      { status: 401 },
      { status: 403 },
      { status: 404 },
    )
    .map((upstream) => ({ upstream }));
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Step>({ ask: 'GET' }, { ask: 'HEAD' }) },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(500, 2999, 3000, 4999, 5000, 29_999, 30_000, 120_000, 300_001)
        .map((advance) => ({ advance })),
    },
    { weight: 2, arbitrary: fc.constant<Step>({ upstream: 'push' }) },
    { weight: 2, arbitrary: failure },
  );

  test('gets exactly the answer of the table', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const real = setting();
        let version = 1;
        let now = 0;
        let known: { version: number; at: number } | undefined;
        let pause = { until: -1, code: '' };
        let missingUntil = -1;

        for (const current of steps) {
          if ('advance' in current) {
            now += current.advance;
            real.clock.advance(current.advance);
          } else if ('upstream' in current) {
            if (current.upstream === 'push') version = (version % 9) + 1;
            real.upstream = current.upstream === 'push' ? { version } : current.upstream;
          } else {
            const before = real.client.requests.length;
            const [expected, asks] = expectation();
            assert.equal(await outcome(real.resolve({ method: current.ask })), expected);
            assert.equal(
              real.client.requests.length - before,
              asks ? 1 : 0,
              `requests upstream for ${expected}`,
            );
          }
        }
        assert.equal(real.clock.pending, 0);

        function expectation(): [answer: string, asks: boolean] {
          const age = known === undefined ? Infinity : now - known.at;
          if (known !== undefined && age < TTL_MS) return [`${known.version} hit`, false];
          const excusable = known !== undefined && age <= STALE_MS;
          if (excusable && pause.until > now) return [`${known?.version} stale ${pause.code}`, false];
          if (missingUntil > now) return ['MANIFEST_UNKNOWN', false];
          const { upstream } = real;
          if (typeof upstream !== 'object') throw new TypeError('the model knows no silence');
          if ('version' in upstream) {
            const status = known === undefined ? 'miss' : 'revalidated';
            known = { version, at: now };
            return [`${version} ${status}`, true];
          }
          if ('status' in upstream) {
            if (upstream.status === 401) return ['UPSTREAM_UNAUTHORIZED', true];
            if (upstream.status === 403) return ['UPSTREAM_DENIED', true];
            known = undefined;
            missingUntil = now + 3000;
            return ['MANIFEST_UNKNOWN', true];
          }
          if (!excusable || upstream.fails === 'UPSTREAM_CREDENTIAL_REFUSED') return [upstream.fails, true];
          // An open breaker knows by itself when to ask again.
          if (upstream.fails !== 'UPSTREAM_BREAKER_OPEN') pause = { until: now + 5000, code: upstream.fails };
          return [`${known?.version} stale ${upstream.fails}`, true];
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('callers that ask for an old tag at the same time', () => {
  test('share one HEAD, and the answers to all but the first say so', async () => {
    const real = setting();
    await real.resolve();
    real.clock.advance(TTL_MS);
    real.upstream = { version: 2 };
    const resolved = await Promise.all([1, 2, 3].map(() => real.resolve()));
    assert.deepEqual(
      real.client.requests.map(({ method }) => method),
      ['GET', 'HEAD'],
    );
    assert.deepEqual(resolved.map(text), ['2 revalidated', '2 revalidated', '2 revalidated']);
    assert.deepEqual(
      resolved.map(({ status }) => 'collapsed' in status),
      [false, true, true],
    );
  });

  test('share one GET of a tag that was never asked for before, with the manifest', async () => {
    const real = setting();
    const [first, second] = await Promise.all([real.resolve(), real.resolve()]);
    assert.equal(real.client.requests.length, 1);
    assert.ok(first?.record?.content.equals(contentOf(1)));
    assert.equal(second?.record, first?.record);
  });

  test('do not share when they accept other types', async () => {
    const real = setting();
    await Promise.all([real.resolve(), real.resolve({ accept: `${MANIFEST}, */*` })]);
    assert.deepEqual(
      real.client.requests.map(({ accept }) => accept),
      [MANIFEST, `${MANIFEST}, */*`],
    );
  });

  test('one that leaves does not end the revalidation for the others', async () => {
    const real = setting();
    const controller = new AbortController();
    const leaver = real.resolve({ signal: controller.signal });
    const stayer = real.resolve();
    controller.abort(new LarderError('CLIENT_GONE', 'gone'));
    assert.equal(await outcome(leaver), 'CLIENT_GONE');
    assert.equal(await outcome(stayer), '1 miss');
  });
});

describe('an upstream that keeps silent', () => {
  test('is waited for 5 s when there is an old answer, and then left alone for 3 s', async () => {
    const real = setting();
    await real.resolve();
    real.clock.advance(TTL_MS);
    real.upstream = 'silent';
    const resolving = real.resolve();
    await waitFor(() => real.clock.pending === 1);
    real.clock.advance(4999);
    assert.equal(real.clock.pending, 1);
    real.clock.advance(1);
    assert.equal(await outcome(resolving), '1 stale UPSTREAM_TIMEOUT');
    assert.equal(await outcome(real.resolve()), '1 stale UPSTREAM_TIMEOUT');
    assert.equal(real.client.requests.length, 2);
    assert.equal(real.clock.pending, 0);
  });

  test('and then speaks again is heard 8 s after it was asked, though its answer never comes', async () => {
    const real = setting();
    await real.resolve();
    real.clock.advance(TTL_MS);
    real.upstream = 'silent';
    const outcomes: string[] = [];
    const ask = (): void => void outcome(real.resolve()).then((one) => outcomes.push(one));
    ask();
    await waitFor(() => real.clock.pending === 1);
    real.upstream = { version: 2 };
    real.clock.advance(4000);
    // A caller that joins waits no longer than the first one.
    ask();
    await waitFor(() => real.clock.pending === 2);
    real.clock.advance(1000);
    await waitFor(() => outcomes.length === 2);
    assert.deepEqual(outcomes, ['1 stale UPSTREAM_TIMEOUT', '1 stale UPSTREAM_TIMEOUT']);
    real.clock.advance(2999);
    assert.equal(await outcome(real.resolve()), '1 stale UPSTREAM_TIMEOUT');
    real.clock.advance(1);
    assert.equal(await outcome(real.resolve()), '2 revalidated');
  });

  test('is waited for by its own limits when there is nothing else', async () => {
    const real = setting();
    real.upstream = 'silent';
    const controller = new AbortController();
    const resolving = real.resolve({ signal: controller.signal });
    await waitFor(() => real.client.requests.length === 1);
    assert.equal(real.clock.pending, 0);
    controller.abort(new LarderError('CLIENT_GONE', 'gone'));
    assert.equal(await outcome(resolving), 'CLIENT_GONE');
  });
});

test('after a failed revalidation the upstream is left alone for 5 s, and asked again then', async () => {
  const real = setting();
  await real.resolve();
  real.clock.advance(TTL_MS);
  real.upstream = { fails: 'UPSTREAM_5XX' };
  assert.equal(await outcome(real.resolve()), '1 stale UPSTREAM_5XX');
  real.upstream = { version: 2 };
  real.clock.advance(4999);
  assert.equal(await outcome(real.resolve()), '1 stale UPSTREAM_5XX');
  real.clock.advance(1);
  assert.equal(await outcome(real.resolve()), '2 revalidated');
  assert.equal(real.client.requests.length, 3);
});

describe('in an outage, a client with an Accept that no client had before', () => {
  const INDEX = 'application/vnd.oci.image.index.v1+json';
  const LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
  const everything = `${INDEX}, ${LIST}, ${MANIFEST}`;
  const down: Upstream = { fails: 'UPSTREAM_UNREACHABLE' };

  test('gets the answer of a client that takes lists, if it takes that type too', async () => {
    const under = setting();
    await under.resolve({ accept: everything });
    under.upstream = down;
    assert.equal(await outcome(under.resolve({ accept: MANIFEST })), '1 stale UPSTREAM_UNREACHABLE');
    assert.equal(await outcome(under.resolve({ accept: '*/*' })), '1 stale UPSTREAM_UNREACHABLE');
    assert.equal(await outcome(under.resolve({ accept: LIST })), 'UPSTREAM_UNREACHABLE');
  });

  test('does not get the platform that a registry chose for a client that takes no lists', async () => {
    const under = setting();
    await under.resolve({ accept: MANIFEST });
    under.upstream = down;
    assert.equal(await outcome(under.resolve({ accept: everything })), 'UPSTREAM_UNREACHABLE');
  });

  test('gets nothing older than staleIfError', async () => {
    const under = setting();
    await under.resolve({ accept: everything });
    under.upstream = down;
    under.clock.advance(STALE_MS + 1);
    assert.equal(await outcome(under.resolve({ accept: MANIFEST })), 'UPSTREAM_UNREACHABLE');
  });

  test('gets the refusal of the registry', async () => {
    const under = setting();
    await under.resolve({ accept: everything });
    under.upstream = { status: 404 };
    assert.equal(await outcome(under.resolve({ accept: MANIFEST })), 'MANIFEST_UNKNOWN');
  });
});

describe('a tag that is missing', () => {
  test('is found within 3 s of its push, however often it is asked for', async () => {
    const real = setting();
    real.upstream = { status: 404 };
    assert.equal(await outcome(real.resolve()), 'MANIFEST_UNKNOWN');
    real.upstream = { version: 1 };
    for (const _ of [1, 2]) {
      real.clock.advance(1000);
      assert.equal(await outcome(real.resolve()), 'MANIFEST_UNKNOWN');
    }
    real.clock.advance(1000);
    assert.equal(await outcome(real.resolve()), '1 miss');
    assert.equal(real.client.requests.length, 2);
  });

  test('says nothing of another tag whose name begins like it', async () => {
    const real = setting();
    real.upstream = { status: 404 };
    await assert.rejects(real.resolve({ tag: 'v1d', accept: MANIFEST }));
    real.upstream = { version: 1 };
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    assert.equal(await outcome(real.resolve({ tag: 'v1', accept: `${docker}, ${MANIFEST}` })), '1 miss');
  });

  test('is forgotten in all its accept classes', async () => {
    const real = setting();
    await real.resolve();
    await real.resolve({ accept: '*/*' });
    real.clock.advance(TTL_MS);
    real.upstream = { status: 404 };
    assert.equal(await outcome(real.resolve()), 'MANIFEST_UNKNOWN');
    real.upstream = { fails: 'UPSTREAM_UNREACHABLE' };
    assert.equal(await outcome(real.resolve({ accept: '*/*' })), 'UPSTREAM_UNREACHABLE');
  });
});

describe('a revalidation', () => {
  test('uses GET where the upstream has no HEAD, or its HEAD does not state digest and size', async () => {
    const answers: ((version: number) => FakeAnswer)[] = [
      () => ({ status: 405 }),
      () => ({ headers: { 'content-type': MANIFEST }, contentLength: 10 }),
      (version) => ({ headers: { 'docker-content-digest': digestOf(contentOf(version)) } }),
    ];
    for (const head of answers) {
      const real = setting({
        answer: (version, method) => (method === 'HEAD' ? head(version) : versionAnswer(version, method)),
      });
      await real.resolve();
      real.clock.advance(TTL_MS);
      real.upstream = { version: 2 };
      const resolved = await real.resolve();
      assert.equal(text(resolved), '2 revalidated');
      assert.ok(resolved.record?.content.equals(contentOf(2)));
      assert.deepEqual(
        real.client.requests.map(({ method }) => method),
        ['GET', 'HEAD', 'GET'],
      );
    }
  });

  test('of every request with a tagTTL of 0, and no stale answer with a staleIfError of 0', async () => {
    const real = setting({ freshness: { tagTTL: '0s', staleIfError: '0s' } });
    assert.equal(await outcome(real.resolve()), '1 miss');
    assert.equal(await outcome(real.resolve()), '1 revalidated');
    real.clock.advance(1);
    real.upstream = { fails: 'UPSTREAM_UNREACHABLE' };
    assert.equal(await outcome(real.resolve()), 'UPSTREAM_UNREACHABLE');
  });

  test('of a signature tag comes after 5 s already', async () => {
    const real = setting();
    const tag = `sha256-${'a'.repeat(64)}.sig`;
    await real.resolve({ tag });
    real.clock.advance(4999);
    assert.equal(await outcome(real.resolve({ tag })), '1 hit');
    real.clock.advance(1);
    assert.equal(await outcome(real.resolve({ tag })), '1 revalidated');
  });
});
