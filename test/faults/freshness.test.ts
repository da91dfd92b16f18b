/**
 * Law 5: how old an answer may be is configured, bounded, different per cause, and visible. Larder's clock cannot be moved from
 * outside, so ages here are tenths of seconds.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  get,
  head,
  imageOf,
  indexOf,
  MEDIA_TYPES,
  pullImage,
  startUpstream,
  waitFor,
  type FaultOptions,
  type GetResult,
  type LarderProcess,
  type TestImage,
  type Upstream,
} from '../kit/index.ts';
import { cacheStatus, errorCode, manifestUrl, startCache } from './setting.ts';

const OLD = imageOf({ seed: 1 });
const NEW = imageOf({ seed: 2 });

suite('request counts', { concurrency: 2 }, () => {
  for (const layers of [1, 8]) {
    test(`a cold image of ${layers} layers costs one HEAD, ${layers} + 2 GETs and one token; a warm one inside tagTTL nothing`, async () => {
      const image = imageOf({ layers: Array.from({ length: layers }, (_, index) => 5000 + index) });
      await using upstream = await startUpstream({ auth: 'bearer' });
      upstream.push('team/app', image, 'v1');
      await using larder = await startCache(upstream);

      await pullImage(larder.registry, 'team/app', 'v1');
      assert.equal(upstream.count({ method: 'HEAD', status: 200 }), 1);
      assert.equal(upstream.count({ method: 'GET', kind: ['manifest', 'blob'], status: 200 }), layers + 2);
      assert.equal(upstream.count({ kind: 'token' }), 1);
      assert.equal(upstream.tokens.issued.length, 1);
      assert.ok(upstream.count({ status: 401 }) <= 1, 'at most one request has to learn the challenge');

      upstream.reset();
      const warm = await pullImage(larder.registry, 'team/app', 'v1');
      assert.equal(upstream.count(), 0);
      for (const answer of warm.answers) assert.ok(cacheStatus(answer).includes('hit'));
    });
  }

  test('a client that begins with GET costs no HEAD', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream);
    const cold = await get(manifestUrl(larder, 'team/app', 'v1'));
    assert.deepEqual(cacheStatus(cold), ['larder', 'fwd=uri-miss', 'stored']);
    assert.equal(upstream.count({ method: 'GET' }), 1);
    assert.equal(upstream.count(), 1);
  });

  test('an index and its image cost one GET each beside the HEAD', async () => {
    const index = indexOf([OLD, imageOf({ seed: 3, platform: { os: 'linux', architecture: 'arm64' } })]);
    await using upstream = await startUpstream();
    upstream.push('team/app', index, 'v1');
    await using larder = await startCache(upstream);
    await pullImage(larder.registry, 'team/app', 'v1');
    assert.equal(upstream.count({ kind: 'manifest', method: 'HEAD' }), 1);
    assert.equal(upstream.count({ kind: 'manifest', method: 'GET' }), 2);
    assert.equal(upstream.count({ kind: 'blob' }), 3);
  });
});

suite('a tag', { concurrency: 2 }, () => {
  test('younger than tagTTL is a hit with its ttl and Age, and nothing is sent', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '1h' } } });
    await get(manifestUrl(larder, 'team/app', 'v1'));
    upstream.tag('team/app', 'v1', pushed(upstream, NEW));
    upstream.reset();

    for (const answer of [
      await get(manifestUrl(larder, 'team/app', 'v1')),
      await head(manifestUrl(larder, 'team/app', 'v1')),
    ]) {
      assertManifest(answer, OLD);
      assert.match(String(answer.headers['cache-status']), /^larder; hit; ttl=3(600|59\d)$/);
      assert.match(String(answer.headers.age), /^\d$/);
    }
    assert.equal(upstream.count(), 0);
  });

  test('older than tagTTL is confirmed by one HEAD, and its Age begins anew', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    await get(manifestUrl(larder, 'team/app', 'v1'));
    upstream.reset();

    const confirmed = await get(manifestUrl(larder, 'team/app', 'v1'));
    assertManifest(confirmed, OLD);
    assert.deepEqual(cacheStatus(confirmed), ['larder', 'fwd=stale', 'fwd-status=200']);
    assert.equal(confirmed.headers.age, '0');
    assert.equal(upstream.count({ method: 'HEAD', kind: 'manifest' }), 1);
    assert.equal(upstream.count(), 1);
  });

  test('that has moved is followed: one HEAD, one GET of the new manifest, and the old digest stays warm', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    await get(manifestUrl(larder, 'team/app', 'v1'));
    upstream.tag('team/app', 'v1', pushed(upstream, NEW));
    upstream.reset();

    const moved = await get(manifestUrl(larder, 'team/app', 'v1'));
    assertManifest(moved, NEW);
    assert.deepEqual(cacheStatus(moved), ['larder', 'fwd=stale', 'fwd-status=200', 'stored']);
    assert.equal(upstream.count({ method: 'HEAD' }), 1);
    assert.equal(upstream.count({ method: 'GET' }), 1);
    assert.deepEqual(cacheStatus(await get(manifestUrl(larder, 'team/app', OLD.digest))), ['larder', 'hit']);
  });

  test('that leads to what was missing a moment ago is followed at once', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    assertManifest(await get(manifestUrl(larder, 'team/app', 'v1')), OLD);
    assert.equal((await get(manifestUrl(larder, 'team/app', NEW.digest))).status, 404);
    upstream.push('team/app', NEW, 'v1');
    assertManifest(await get(manifestUrl(larder, 'team/app', 'v1')), NEW);
  });

  test('is revalidated by one HEAD for 50 callers at the same time', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    const url = manifestUrl(larder, 'team/app', 'v1');
    await get(url);
    upstream.reset();
    const hold = upstream.faults.add({ match: { method: 'HEAD' }, hold: true });

    const callers = await gather(larder, 50, url);
    await hold.reached();
    hold.release();
    for (const answer of await Promise.all(callers)) assertManifest(answer, OLD);
    assert.equal(upstream.count(), 1);
  });

  test('is fetched by one GET for 50 callers at the same time', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream);
    const hold = upstream.faults.add({ match: { kind: 'manifest' }, hold: true });
    const callers = await gather(larder, 50, manifestUrl(larder, 'team/app', 'v1'));
    await hold.reached();
    hold.release();
    const statuses = (await Promise.all(callers)).map((answer) => String(answer.headers['cache-status']));
    assert.equal(statuses.filter((status) => status.endsWith('; collapsed')).length, 49);
    assert.equal(upstream.count(), 1);
  });

  test('is remembered for each Accept class by itself', async () => {
    const list = indexOf([OLD], { format: 'docker' });
    await using upstream = await startUpstream({ negotiation: 'distribution' });
    upstream.push('team/app', list, 'v1');
    await using larder = await startCache(upstream);
    const url = manifestUrl(larder, 'team/app', 'v1');
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

  test("sends the client's own Accept, never a wider one", async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream);
    await get(manifestUrl(larder, 'team/app', 'v1'), { headers: { accept: MEDIA_TYPES.ociManifest } });
    assert.equal(upstream.requests[0]?.headers.accept, MEDIA_TYPES.ociManifest);
  });

  test('that was deleted is a 404 as soon as it is asked for again, and forgotten', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    const url = manifestUrl(larder, 'team/app', 'v1');
    await get(url);
    upstream.delete('team/app', 'v1');
    const gone = await get(url);
    assert.equal(gone.status, 404);
    assert.equal(errorCode(gone), 'MANIFEST_UNKNOWN');
    await upstream.refuse();
    assert.notEqual((await get(url)).status, 200, 'a dead upstream does not bring it back');
  });

  test('that was missing is found within 10 s of being pushed', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD);
    await using larder = await startCache(upstream);
    const url = manifestUrl(larder, 'team/app', 'v1');
    const missing = await Promise.all(Array.from({ length: 20 }, () => get(url)));
    assert.deepEqual([...new Set(missing.map((answer) => answer.status))], [404]);
    assert.equal(upstream.count(), 1, 'a crowd costs one request');
    upstream.tag('team/app', 'v1', OLD);
    await waitFor(async () => (await get(url)).status === 200, { limitMs: 10_000, everyMs: 100 });
  });
});

/** What each cause means for a tag that is older than `tagTTL`. */
const causes: {
  name: string;
  fault: FaultOptions | 'refuse';
  excused: string | false;
  status: number;
  heavy?: boolean;
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
    test(`by ${name}: fresh is a hit; older ${excused ? 'is served and says so' : 'is refused'}; beyond staleIfError it is ${status}`, async () => {
      await using upstream = await startUpstream();
      upstream.push('team/app', OLD, 'v1');
      const fail = async (): Promise<void> => {
        if (fault === 'refuse') await upstream.refuse();
        else upstream.faults.add({ ...fault, match: { kind: 'manifest' } });
      };

      await using fresh = await startCache(upstream, { cache: { freshness: { tagTTL: '1h' } } });
      await using stale = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
      await using beyond = await startCache(upstream, {
        cache: { freshness: { tagTTL: '0s', staleIfError: '0s' } },
      });
      for (const larder of [fresh, stale, beyond]) await get(manifestUrl(larder, 'team/app', 'v1'));
      await fail();

      const hit = await get(manifestUrl(fresh, 'team/app', 'v1'));
      assertManifest(hit, OLD);
      assert.equal(cacheStatus(hit)[1], 'hit');

      for (const send of [get, head]) {
        const old = await send(manifestUrl(stale, 'team/app', 'v1'));
        if (excused) {
          assertManifest(old, OLD);
          assert.match(
            String(old.headers['cache-status']),
            new RegExp(`^larder; fwd=stale; ttl=-[1-9]\\d*; detail=${excused}$`),
          );
          assert.match(String(old.headers.age), /^\d+$/);
        } else {
          assert.equal(old.status, status);
        }
      }
      if (excused) {
        await waitFor(
          async () => (await stale.metric('larder_client_bytes_total', { source: 'stale' })) === OLD.size,
        );
      }

      const refused = await get(manifestUrl(beyond, 'team/app', 'v1'));
      assert.equal(refused.status, status);
      if (name === '429') assert.match(String(refused.headers['retry-after']), /^(29|30)$/);

      // By digest it never ages; who may have it is the upstream's to say.
      const byDigest = await get(manifestUrl(beyond, 'team/app', OLD.digest));
      if (status === 401 || status === 403) assert.equal(byDigest.status, status);
      else assertManifest(byDigest, OLD);
    });
  }

  // 5 s in real time: with something to fall back on, nobody waits longer.
  test('by silence is served after 5 s, and then at once', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    const url = manifestUrl(larder, 'team/app', 'v1');
    await get(url);
    upstream.faults.add({ match: { kind: 'manifest' }, hold: true });

    const first = await timed(() => get(url));
    assertManifest(first.answer, OLD);
    assert.match(
      String(first.answer.headers['cache-status']),
      /^larder; fwd=stale; ttl=-[1-9]\d*; detail=UPSTREAM_TIMEOUT$/,
    );
    assert.ok(first.ms > 4000 && first.ms < 9000, `${first.ms} ms`);
    const second = await timed(() => get(url));
    assertManifest(second.answer, OLD);
    assert.ok(second.ms < 2000, `${second.ms} ms`);
  });

  test('is followed again within 10 s after the fault', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', OLD, 'v1');
    await using larder = await startCache(upstream, { cache: { freshness: { tagTTL: '0s' } } });
    const url = manifestUrl(larder, 'team/app', 'v1');
    await get(url);
    await upstream.refuse();
    for (let index = 0; index < 10; index += 1) assertManifest(await get(url), OLD);
    await upstream.accept();
    upstream.tag('team/app', 'v1', pushed(upstream, NEW));
    await waitFor(async () => (await get(url)).headers['docker-content-digest'] === NEW.digest, {
      limitMs: 10_000,
      everyMs: 100,
    });
  });
});

test('Age of content by digest counts from when it was stored, and is there on every warm answer', async () => {
  const image = imageOf({ layers: [100_000] });
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  await using larder = await startCache(upstream);
  const cold = await pullImage(larder.registry, 'team/app', 'v1');
  assert.ok(cold.answers.every((answer) => answer.headers['cache-status'] !== undefined));
  const warm = await pullImage(larder.registry, 'team/app', 'v1');
  for (const answer of warm.answers) assert.match(String(answer.headers.age), /^\d$/);
});

/**
 * Sends `count` requests at the same time, and gives their answers to come once Larder has read every one of them: all are in sockets that it
 * has accepted (one in each turn of its loop: libuv 1.46) when it is asked twice more, and it finds what came before in the same turn at the latest.
 */
async function gather(larder: LarderProcess, count: number, url: string): Promise<Promise<GetResult>[]> {
  const sent = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const answers = sent.map(({ resolve }) => get(url, { onSent: resolve }));
  await Promise.race([Promise.all(sent.map(({ promise }) => promise)), Promise.all(answers)]);
  // Besides them: the connection to the upstream, and that of this very question.
  const sockets = (): Promise<number> => larder.metric('nodejs_active_resources', { type: 'TCPSocketWrap' });
  await waitFor(async () => (await sockets()) >= count + 2);
  for (let turn = 0; turn < 2; turn += 1) await larder.metrics();
  return answers;
}

function pushed(upstream: Upstream, image: TestImage): TestImage {
  upstream.push('team/app', image);
  return image;
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
