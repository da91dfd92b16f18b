/**
 * docs/laws.md, "Honest staleness": how old an answer may be is configured, bounded, different per cause, and visible. Larder's clock cannot be
 * moved from outside, so ages here are tenths of seconds. All tests but those that count sockets share one process.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  get,
  head,
  imageOf,
  indexOf,
  measureMachine,
  MEDIA_TYPES,
  startUpstream,
  waitFor,
  type FaultOptions,
  type GetResult,
  type LarderProcess,
  type TestImage,
  type UpstreamOptions,
} from '../kit/index.ts';
import { cacheStatus, errorCode, manifestUrl, startCache } from './setting.ts';
import { shareLarder, type SharedCache } from './shared-larder.ts';

const shared = shareLarder();
let cases = 0;

interface Case extends SharedCache {
  /** The image behind `team/app:v1`, and the one that replaces it. No other case has their content. */
  readonly old: TestImage;
  readonly next: TestImage;
  /** URL of `team/app:v1`. */
  readonly url: string;
}

/** Declares a case with these `freshness` settings. A test opens it once. */
function caseOf(freshness: object = {}, upstreamOptions: UpstreamOptions = {}): () => Promise<Case> {
  const cache = shared.add(upstreamOptions, { freshness });
  cases += 1;
  const [old, next] = [imageOf({ seed: 10 * cases + 1 }), imageOf({ seed: 10 * cases + 2 })];
  return async () => {
    const { upstream, larder, pull } = await cache();
    upstream.push('team/app', old, 'v1');
    return { upstream, larder, pull, old, next, url: manifestUrl(larder, 'team/app', 'v1') };
  };
}

const EXPIRED = { tagTTL: '0s' };

suite('request counts', () => {
  for (const layers of [1, 8]) {
    const open = caseOf({}, { auth: 'bearer' });
    test(`a cold image of ${layers} layers costs one HEAD, ${layers} + 2 GETs and one token; a warm one inside tagTTL nothing`, async () => {
      const image = imageOf({
        layers: Array.from({ length: layers }, (_, index) => 5000 + 10 * layers + index),
      });
      const { upstream, pull } = await open();
      upstream.push('team/app', image, 'v2');

      await pull('team/app', 'v2');
      assert.equal(upstream.count({ method: 'HEAD', status: 200 }), 1);
      assert.equal(upstream.count({ method: 'GET', kind: ['manifest', 'blob'], status: 200 }), layers + 2);
      assert.equal(upstream.count({ kind: 'token' }), 1);
      assert.equal(upstream.tokens.issued.length, 1);
      assert.ok(upstream.count({ status: 401 }) <= 1, 'at most one request has to learn the challenge');

      upstream.reset();
      const warm = await pull('team/app', 'v2');
      assert.equal(upstream.count(), 0);
      for (const answer of warm.answers) assert.ok(cacheStatus(answer).includes('hit'));
    });
  }

  const byGet = caseOf();
  test('a client that begins with GET costs no HEAD', async () => {
    const { upstream, url } = await byGet();
    const cold = await get(url);
    assert.deepEqual(cacheStatus(cold), ['larder', 'fwd=uri-miss', 'stored']);
    assert.equal(upstream.count({ method: 'GET' }), 1);
    assert.equal(upstream.count(), 1);
  });

  const byIndex = caseOf();
  test('an index and its image cost one GET each beside the HEAD', async () => {
    const { upstream, pull, old } = await byIndex();
    const other = imageOf({ seed: 3, platform: { os: 'linux', architecture: 'arm64' } });
    upstream.push('team/app', indexOf([old, other]), 'index');
    await pull('team/app', 'index');
    assert.equal(upstream.count({ kind: 'manifest', method: 'HEAD' }), 1);
    assert.equal(upstream.count({ kind: 'manifest', method: 'GET' }), 2);
    assert.equal(upstream.count({ kind: 'blob' }), 3);
  });
});

suite('a tag', { concurrency: 2 }, () => {
  const fresh = caseOf({ tagTTL: '1h' });
  test('younger than tagTTL is a hit with its ttl and Age, and nothing is sent', async () => {
    const { upstream, url, old, next } = await fresh();
    await get(url);
    upstream.push('team/app', next, 'v1');
    upstream.reset();

    for (const answer of [await get(url), await head(url)]) {
      assertManifest(answer, old);
      assert.match(String(answer.headers['cache-status']), /^larder; hit; ttl=3(600|59\d)$/);
      assert.match(String(answer.headers.age), /^\d$/);
    }
    assert.equal(upstream.count(), 0);
  });

  const confirmed = caseOf(EXPIRED);
  test('older than tagTTL is confirmed by one HEAD, and its Age begins at 0 again', async () => {
    const { upstream, url, old } = await confirmed();
    await get(url);
    upstream.reset();

    const answer = await get(url);
    assertManifest(answer, old);
    assert.deepEqual(cacheStatus(answer), ['larder', 'fwd=stale', 'fwd-status=200']);
    assert.equal(answer.headers.age, '0');
    assert.equal(upstream.count({ method: 'HEAD', kind: 'manifest' }), 1);
    assert.equal(upstream.count(), 1);
  });

  const moving = caseOf(EXPIRED);
  test('that has moved is followed: one HEAD, one GET of the new manifest, and the old digest stays warm', async () => {
    const { upstream, larder, url, old, next } = await moving();
    await get(url);
    upstream.push('team/app', next, 'v1');
    upstream.reset();

    const moved = await get(url);
    assertManifest(moved, next);
    assert.deepEqual(cacheStatus(moved), ['larder', 'fwd=stale', 'fwd-status=200', 'stored']);
    assert.equal(upstream.count({ method: 'HEAD' }), 1);
    assert.equal(upstream.count({ method: 'GET' }), 1);
    assert.deepEqual(cacheStatus(await get(manifestUrl(larder, 'team/app', old.digest))), ['larder', 'hit']);
  });

  const early = caseOf(EXPIRED);
  test('that leads to what was missing a moment ago is followed at once', async () => {
    const { upstream, larder, url, old, next } = await early();
    assertManifest(await get(url), old);
    assert.equal((await get(manifestUrl(larder, 'team/app', next.digest))).status, 404);
    upstream.push('team/app', next, 'v1');
    assertManifest(await get(url), next);
  });

  test('is revalidated by one HEAD for 50 callers at the same time', async () => {
    const image = imageOf();
    await using upstream = await startUpstream();
    upstream.push('team/app', image, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: EXPIRED } });
    const url = manifestUrl(larder, 'team/app', 'v1');
    await get(url);
    upstream.reset();
    const hold = upstream.faults.add({ match: { method: 'HEAD' }, hold: true });

    const callers = await gather(larder, 50, url);
    await hold.reached();
    hold.release();
    for (const answer of await Promise.all(callers)) assertManifest(answer, image);
    assert.equal(upstream.count(), 1);
  });

  test('is fetched by one GET for 50 callers at the same time', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', imageOf(), 'v1');
    await using larder = await startCache(upstream);
    const hold = upstream.faults.add({ match: { kind: 'manifest' }, hold: true });
    const callers = await gather(larder, 50, manifestUrl(larder, 'team/app', 'v1'));
    await hold.reached();
    hold.release();
    const statuses = (await Promise.all(callers)).map((answer) => String(answer.headers['cache-status']));
    assert.equal(statuses.filter((status) => status.endsWith('; collapsed')).length, 49);
    assert.equal(upstream.count(), 1);
  });

  const negotiated = caseOf({}, { negotiation: 'distribution' });
  test('is remembered for each Accept class by itself', async () => {
    const { upstream, larder, old } = await negotiated();
    const list = indexOf([old], { format: 'docker' });
    upstream.push('team/app', list, 'list');
    const url = manifestUrl(larder, 'team/app', 'list');
    const withList = { headers: { accept: `${MEDIA_TYPES.dockerList}, ${MEDIA_TYPES.ociManifest}` } };
    const reordered = { headers: { accept: `${MEDIA_TYPES.ociManifest}, ${MEDIA_TYPES.dockerList};q=0.5` } };
    const without = { headers: { accept: MEDIA_TYPES.ociManifest } };

    for (let round = 1; round <= 2; round += 1) {
      const [whole, again, single] = [
        await get(url, withList),
        await get(url, reordered),
        await get(url, without),
      ];
      assertManifest(whole, list);
      assertManifest(again, list);
      assert.notEqual(single.headers['docker-content-digest'], list.digest, 'as Distribution answers');
    }
    assert.equal(upstream.count({ kind: 'manifest' }), 2);
  });

  const accepted = caseOf();
  test("sends the client's own Accept, never a wider one", async () => {
    const { upstream, url } = await accepted();
    await get(url, { headers: { accept: MEDIA_TYPES.ociManifest } });
    assert.equal(upstream.requests[0]?.headers.accept, MEDIA_TYPES.ociManifest);
  });

  const deleted = caseOf(EXPIRED);
  test('that was deleted is a 404 as soon as it is asked for again, and forgotten', async () => {
    const { upstream, url } = await deleted();
    await get(url);
    upstream.delete('team/app', 'v1');
    const gone = await get(url);
    assert.equal(gone.status, 404);
    assert.equal(errorCode(gone), 'MANIFEST_UNKNOWN');
    await upstream.refuse();
    assert.notEqual((await get(url)).status, 200, 'a dead upstream does not bring it back');
  });

  const missing = caseOf();
  test('that was missing is found within 10 s of being pushed', async () => {
    const { upstream, larder, old } = await missing();
    const url = manifestUrl(larder, 'team/app', 'v2');
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(url)));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [404]);
    assert.equal(upstream.count(), 1, 'a crowd costs one request');
    upstream.tag('team/app', 'v2', old);
    await waitFor(async () => (await get(url)).status === 200, { limitMs: 10_000, everyMs: 100 });
  });
});

/** Expected answers for a tag older than `tagTTL`, by the cause of the failure. */
const causes: {
  name: string;
  fault: FaultOptions | 'refuse';
  excused: string | false;
  status: number;
}[] = [
  { name: '500', fault: { status: 500 }, excused: 'UPSTREAM_5XX', status: 502 },
  { name: '503', fault: { status: 503 }, excused: 'UPSTREAM_5XX', status: 502 },
  { name: '429', fault: { status: 429, retryAfter: 30 }, excused: 'UPSTREAM_RATE_LIMITED', status: 429 },
  { name: 'a refused connection', fault: 'refuse', excused: 'UPSTREAM_UNREACHABLE', status: 502 },
  {
    name: 'a connection closed without an answer',
    fault: { drop: 'fin' },
    excused: 'UPSTREAM_UNREACHABLE',
    status: 502,
  },
  { name: 'a reset connection', fault: { drop: 'rst' }, excused: 'UPSTREAM_UNREACHABLE', status: 502 },
  { name: '401', fault: { status: 401 }, excused: false, status: 401 },
  { name: '403', fault: { status: 403 }, excused: false, status: 403 },
  { name: '404', fault: { status: 404 }, excused: false, status: 404 },
];

suite('a tag at an upstream that fails', { concurrency: 2 }, () => {
  for (const { name, fault, excused, status } of causes) {
    const openFresh = caseOf({ tagTTL: '1h' });
    const openStale = caseOf(EXPIRED);
    const openBeyond = caseOf({ ...EXPIRED, staleIfError: '0s' });
    test(`by ${name}: fresh is a hit; older ${excused ? 'is served and says so' : 'is refused'}; beyond staleIfError it is ${status}`, async () => {
      const [fresh, stale, beyond] = [await openFresh(), await openStale(), await openBeyond()];
      for (const { url, upstream } of [fresh, stale, beyond]) {
        await get(url);
        if (fault === 'refuse') await upstream.refuse();
        else upstream.faults.add({ ...fault, match: { kind: 'manifest' } });
      }

      const hit = await get(fresh.url);
      assertManifest(hit, fresh.old);
      assert.equal(cacheStatus(hit)[1], 'hit');

      for (const send of [get, head]) {
        const answer = await send(stale.url);
        if (excused) {
          assertManifest(answer, stale.old);
          assert.match(
            String(answer.headers['cache-status']),
            new RegExp(`^larder; fwd=stale; ttl=-[1-9]\\d*; detail=${excused}$`),
          );
          assert.match(String(answer.headers.age), /^\d+$/);
        } else {
          assert.equal(answer.status, status);
        }
      }
      if (excused) {
        await waitFor(
          async () =>
            (await stale.larder.metric('larder_client_bytes_total', { source: 'stale' })) === stale.old.size,
        );
      }

      const refused = await get(beyond.url);
      assert.equal(refused.status, status);
      if (name === '429') assert.match(String(refused.headers['retry-after']), /^(29|30)$/);

      // A manifest never ages by digest. The upstream still decides which caller may have it.
      const byDigest = await get(manifestUrl(beyond.larder, 'team/app', beyond.old.digest));
      if (status === 401 || status === 403) assert.equal(byDigest.status, status);
      else assertManifest(byDigest, beyond.old);
    });
  }

  // 5 s in real time: where there is an older answer, no caller waits longer.
  const silent = caseOf(EXPIRED);
  test('by silence is served after 5 s, and then at once', async () => {
    const { limit } = await measureMachine();
    const { upstream, url, old } = await silent();
    await get(url);
    upstream.faults.add({ match: { kind: 'manifest' }, hold: true });

    const first = await timed(() => get(url));
    assertManifest(first.answer, old);
    assert.match(
      String(first.answer.headers['cache-status']),
      /^larder; fwd=stale; ttl=-[1-9]\d*; detail=UPSTREAM_TIMEOUT$/,
    );
    assert.ok(first.ms > 4000 && first.ms < 4000 + limit(5000), `${first.ms} ms`);
    const second = await timed(() => get(url));
    assertManifest(second.answer, old);
    assert.ok(second.ms < limit(2000), `${second.ms} ms`);
  });

  const returning = caseOf(EXPIRED);
  test('is followed again within 10 s after the fault', async () => {
    const { upstream, url, old, next } = await returning();
    await get(url);
    await upstream.refuse();
    for (let index = 0; index < 10; index += 1) assertManifest(await get(url), old);
    await upstream.accept();
    upstream.push('team/app', next, 'v1');
    await waitFor(async () => (await get(url)).headers['docker-content-digest'] === next.digest, {
      limitMs: 10_000,
      everyMs: 100,
    });
  });
});

const aging = caseOf();
test('Age of content by digest counts from when it was stored, and is there on every warm answer', async () => {
  const { upstream, pull } = await aging();
  upstream.push('team/app', imageOf({ layers: [100_000] }), 'v2');
  const cold = await pull('team/app', 'v2');
  assert.ok(cold.answers.every((answer) => answer.headers['cache-status'] !== undefined));
  const warm = await pull('team/app', 'v2');
  for (const answer of warm.answers) assert.match(String(answer.headers.age), /^\d$/);
});

/**
 * Sends `count` requests at the same time. Resolves with their answers to come once Larder has read every request: all are in sockets that Larder
 * has accepted (one in each turn of its loop: libuv 1.46), and two more questions are answered, of which the second finds what came before it in
 * the same turn.
 */
async function gather(larder: LarderProcess, count: number, url: string): Promise<Promise<GetResult>[]> {
  const sent = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const answers = sent.map(({ resolve }) => get(url, { onSent: resolve }));
  await Promise.race([Promise.all(sent.map(({ promise }) => promise)), Promise.all(answers)]);
  // Besides them: the connection to the upstream, and the one of this question.
  const sockets = (): Promise<number> => larder.metric('nodejs_active_resources', { type: 'TCPSocketWrap' });
  await waitFor(async () => (await sockets()) >= count + 2);
  for (let turn = 0; turn < 2; turn += 1) await larder.metrics();
  return answers;
}

function assertManifest(answer: GetResult, image: TestImage): void {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['docker-content-digest'], image.digest);
  assert.equal(answer.headers['content-type'], image.mediaType);
  assert.equal(answer.headers['content-length'], `${image.size}`);
  if (answer.bytes > 0) assert.equal(answer.body.equals(image.bytes), true);
}

async function timed(work: () => Promise<GetResult>): Promise<{ answer: GetResult; ms: number }> {
  const begin = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - begin };
}
