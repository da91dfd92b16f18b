/**
 * docs/laws.md, "One body": however many callers ask, whenever they arrive and at whatever offset, the upstream sends each blob once. The client
 * of the kit compares about 1 GB/s and is the bottleneck here. So the blob of the crowd has 8 MiB, with `LARDER_HEAVY=1` 256 MiB, and less on a
 * slow machine: where the rest of a body takes more than 20 s, Larder rightly fetches a range by itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobOf, get, head, measureMachine, startUpstream, waitFor, type TestBlob } from '../kit/index.ts';
import { blobUrl, cacheStatus, HEAVY, MiB, startCache } from './setting.ts';
import { shareLarder } from './shared-larder.ts';

const shared = shareLarder();

test('200 callers spread over one cold fill cost one request and 1.00 times the bytes, and every one gets the right body', async () => {
  const size = (await measureMachine()).size((HEAVY ? 128 : 8) * MiB, MiB);
  const blob = blobOf(size, 1);
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  // 6 s for the whole body, so that callers come at every point of it.
  upstream.faults.add({ match: { kind: 'blob' }, bytesPerSecond: size / 6 });
  await using larder = await startCache(upstream);
  const url = blobUrl(larder, 'team/app', blob);

  const random = sequence(7);
  const callers = Array.from({ length: 200 }, async (_, index) => {
    // Without a rate Larder fetches what is far ahead by itself, and the first bytes give none.
    const since = index % 5 === 1 ? Math.max(index / 200, 0.15) : index / 200;
    await waitFor(() => upstream.bodyBytes() >= since * size * 0.98 || index === 0, {
      limitMs: 60_000,
    });
    if (index === 0) {
      const first = await get(url, { body: { expect: blob }, abortAfterBytes: size * 0.3 });
      return first.matches === true;
    }
    if (index % 5 === 1)
      return rightRange(url, blob, Math.floor(random() * size), Math.floor(random() * 4 * MiB) + 1);
    const slow = index % 10 === 2 ? { slowBytesPerSecond: size / 6 } : {};
    const answer = await get(url, { body: { expect: blob }, ...slow });
    return answer.status === 200 && answer.complete && answer.matches === true && answer.bytes === size;
  });
  const results = await Promise.all(callers);

  assert.deepEqual(
    results.flatMap((right, index) => (right ? [] : [index])),
    [],
  );
  assert.equal(upstream.count({ kind: 'blob' }), 1);
  assert.equal(upstream.count(), 1, 'no ping, no HEAD, no range beside it');
  assert.equal(upstream.bodyBytes(), size);
  assert.equal(await larder.metric('larder_upstream_bytes_total'), size);
  assert.equal(await larder.metric('larder_fills_in_progress'), 0);
  const joins = await larder.metric('larder_fill_joins_total');
  assert.ok(joins >= 100 && joins <= 199, `${joins} joins`);
});

shared.test(
  'joiners are told that they were collapsed, and gauges and counters say what happens',
  async ({ upstream, larder }) => {
    const blob = blobOf(4 * MiB, 2);
    upstream.push('team/app', blob);
    const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: MiB });
    const url = blobUrl(larder, 'team/app', blob);

    const joinsBefore = await larder.metric('larder_fill_joins_total');
    const first = get(url);
    await pause.reached();
    const joiners = [get(url), get(url, { headers: { range: 'bytes=10-99' } })];
    await waitFor(async () => (await larder.metric('larder_fill_joins_total')) === joinsBefore + 2);
    assert.equal(await larder.metric('larder_fills_in_progress'), 1);
    pause.release();

    assert.deepEqual(cacheStatus(await first), ['larder', 'fwd=uri-miss', 'stored']);
    for (const joiner of await Promise.all(joiners)) {
      assert.deepEqual(cacheStatus(joiner), ['larder', 'fwd=uri-miss', 'collapsed']);
    }
    const warm = await get(url);
    assert.deepEqual(cacheStatus(warm), ['larder', 'hit']);
    assert.match(String(warm.headers.age), /^\d$/);
    assert.equal(await larder.metric('larder_fills_in_progress'), 0);
    const clientBytes = (source: string): Promise<number> =>
      larder.metric('larder_client_bytes_total', { source });
    await waitFor(async () => (await clientBytes('hit')) === 4 * MiB);
    assert.equal(await clientBytes('fill'), 4 * MiB);
    assert.equal(await clientBytes('join'), 4 * MiB + 90);
  },
);

for (const cutBy of ['fin', 'rst'] as const) {
  shared.test(
    `an upstream that cuts after every 8 MiB (${cutBy}) is resumed by closed ranges, unseen by the caller, for at most 1.02 times the bytes`,
    async ({ upstream, larder }) => {
      const size = (HEAVY ? 256 : 32) * MiB;
      const blob = blobOf(size, 3);
      upstream.push('team/app', blob);
      upstream.faults.add({ match: { kind: 'blob' }, cutAfter: 8 * MiB, cutBy });

      const answer = await get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
      assert.equal(answer.complete, true);
      assert.equal(answer.matches, true);
      assert.equal(answer.bytes, size);
      assert.ok((await larder.metric('larder_upstream_bytes_total')) <= size * 1.02);
      // A reset throws away what was under way.
      if (cutBy === 'fin')
        assert.ok(upstream.bodyBytes() <= size * 1.02, `${upstream.bodyBytes() / size} times the bytes`);
      const resumed = upstream.requests.slice(1);
      assert.ok(resumed.length >= size / (8 * MiB) - 1);
      for (const request of resumed)
        assert.match(request.headers.range ?? '', new RegExp(`^bytes=\\d+-${size - 1}$`));
    },
  );
}

shared.test(
  'a signed address that expires in the middle of a body is asked for again at the registry',
  async ({ upstream, larder }) => {
    const size = 24 * MiB;
    const blob = blobOf(size, 4);
    upstream.push('team/app', blob);
    const pause = upstream.faults.add({ match: { kind: 'cdn' }, pauseAfter: 8 * MiB, nth: 1 });
    const pull = get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
    await pause.reached();
    upstream.advanceClock(120_000);
    upstream.cdn?.hangUp();

    const answer = await pull;
    assert.equal(answer.complete && answer.matches, true);
    assert.equal(upstream.count({ kind: 'blob' }), 2, 'the registry is asked for a fresh address');
    assert.equal(upstream.count({ kind: 'cdn', status: 403 }), 0);
  },
  { upstream: { redirect: { to: 'cdn', lifetime: 60 } } },
);

shared.test(
  'parallel ranges as containerd 2 sends them get 206 throughout while the blob is cold, from one upstream request',
  async ({ upstream, larder }) => {
    const size = 40 * MiB;
    const blob = blobOf(size, 5);
    upstream.push('team/app', blob);
    upstream.faults.add({ match: { kind: 'blob' }, bytesPerSecond: 30 * MiB });
    const url = blobUrl(larder, 'team/app', blob);

    // core/remotes/docker/fetcher.go: `bytes=0-` first, then clones at each chunk, left as soon as their chunk is read.
    const chunk = 8 * MiB;
    const starts = Array.from({ length: size / chunk }, (_, index) => index * chunk);
    const answers = await Promise.all(
      starts.map((start) =>
        get(url, {
          headers: { range: `bytes=${start}-` },
          body: { expect: blob, from: start },
          ...(start + chunk < size && { abortAfterBytes: chunk }),
        }),
      ),
    );
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.status, 206);
      assert.equal(answer.headers['content-range'], `bytes ${index * chunk}-${size - 1}/${size}`);
      assert.equal(answer.matches, true);
      assert.ok(answer.bytes >= chunk);
    }
    await waitFor(async () => (await larder.metric('larder_fills_in_progress')) === 0);
    assert.equal(upstream.count(), 1);
    assert.equal(upstream.bodyBytes(), size);
  },
);

test('a range near the head of the fill waits for it, and one that is more than 20 s ahead is fetched by itself', async () => {
  await using upstream = await startUpstream();
  const size = 64 * MiB;
  const blob = blobOf(size, 6);
  upstream.push('team/app', blob);
  const slow = upstream.faults.add({
    match: { kind: 'blob', where: ({ headers }) => headers.range === undefined },
    bytesPerSecond: MiB,
  });
  // The fill outlives its caller by 10 s, in a process of its own.
  await using larder = await startCache(upstream);
  const url = blobUrl(larder, 'team/app', blob);
  const leaving = new AbortController();
  const whole = get(url, { body: { expect: blob }, signal: leaving.signal });
  // The estimate needs a rate.
  await waitFor(() => upstream.bodyBytes() > MiB);

  const far = await get(url, { headers: { range: `bytes=${60 * MiB}-${60 * MiB + 999}` } });
  assert.equal(far.status, 206);
  assert.equal(blob.matches(far.body, 60 * MiB) && far.bytes === 1000, true);
  assert.equal(await larder.metric('larder_upstream_requests_total', { kind: 'range' }), 1);
  assert.equal(upstream.requests[1]?.headers.range, `bytes=${60 * MiB}-${60 * MiB + 999}`);

  const near = await get(url, { headers: { range: `bytes=${3 * MiB}-${3 * MiB + 999}` } });
  assert.equal(near.status, 206);
  assert.equal(blob.matches(near.body, 3 * MiB) && near.bytes === 1000, true);
  assert.equal(upstream.count(), 2, 'the near one came from the fill');
  slow.remove();
  leaving.abort();
  await whole;
});

shared.test(
  'a fill that nobody reads any more is finished when half is there, and the next caller needs no upstream',
  async ({ upstream, larder }) => {
    const size = 48 * MiB;
    const blob = blobOf(size, 8);
    upstream.push('team/app', blob);
    const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: 40 * MiB });
    const url = blobUrl(larder, 'team/app', blob);

    await get(url, { body: { expect: blob }, abortAfterBytes: 36 * MiB });
    await pause.reached();
    pause.release();
    await waitFor(async () => (await larder.metric('larder_fills_in_progress')) === 0);
    const warm = await get(url, { body: { expect: blob } });
    assert.deepEqual(cacheStatus(warm), ['larder', 'hit']);
    assert.equal(warm.complete && warm.matches, true);
    assert.equal(upstream.count(), 1);
  },
);

// 10 s of grace in real time.
shared.test(
  'a fill that nobody reads is stopped after 10 s when most is missing, and the next one goes on where it ended',
  async ({ upstream, larder }) => {
    const size = 64 * MiB;
    const blob = blobOf(size, 9);
    upstream.push('team/app', blob);
    const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: 8 * MiB, nth: 1 });
    const url = blobUrl(larder, 'team/app', blob);

    await get(url, { body: { expect: blob }, abortAfterBytes: 7 * MiB });
    await pause.reached();
    assert.equal(await larder.metric('larder_fills_in_progress'), 1);
    await waitFor(async () => (await larder.metric('larder_fills_in_progress')) === 0, { limitMs: 15_000 });
    pause.release();

    const second = await get(url, { body: { expect: blob } });
    assert.equal(second.complete && second.matches && second.bytes === size, true);
    assert.equal(upstream.count(), 2);
    const begin = Number(/^bytes=(\d+)-/.exec(upstream.requests[1]?.headers.range ?? '')?.[1]);
    assert.ok(begin > 6 * MiB, `resumed at ${begin}`);
    assert.ok((await larder.metric('larder_upstream_bytes_total')) <= size * 1.02);
  },
);

shared.test('a slow reader holds up neither the fill nor the others', async ({ upstream, larder }) => {
  const size = 32 * MiB;
  const blob = blobOf(size, 10);
  upstream.push('team/app', blob);
  const url = blobUrl(larder, 'team/app', blob);
  const leaving = new AbortController();
  const slow = get(url, { body: { expect: blob }, slowBytesPerSecond: MiB, signal: leaving.signal });
  await waitFor(() => upstream.count() === 1);
  const fast = await get(url, { body: { expect: blob } });
  assert.equal(fast.complete && fast.matches, true);
  leaving.abort();
  assert.equal((await slow).matches, true);
  assert.equal(upstream.count(), 1);
});

shared.test(
  'the same blob asked for through two repositories is downloaded once, and each repository is confirmed by a HEAD',
  async ({ upstream, larder }) => {
    const blob = blobOf(2 * MiB, 11);
    upstream.push('team/app', blob);
    upstream.push('team/other', blob);
    upstream.push('team/without', blobOf(10, 12));

    assert.equal((await get(blobUrl(larder, 'team/app', blob))).status, 200);
    assert.equal((await get(blobUrl(larder, 'team/other', blob))).status, 200);
    assert.equal((await get(blobUrl(larder, 'team/without', blob))).status, 404);
    assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), 1);
    assert.equal(upstream.count({ kind: 'blob', method: 'HEAD' }), 2);
    const asked = await head(blobUrl(larder, 'team/other', blob));
    assert.equal(asked.headers['content-length'], `${2 * MiB}`);
    assert.deepEqual(cacheStatus(asked), ['larder', 'hit']);
  },
);

async function rightRange(url: string, blob: TestBlob, start: number, length: number): Promise<boolean> {
  const end = Math.min(start + length, blob.size);
  const answer = await get(url, {
    headers: { range: `bytes=${start}-${end - 1}` },
    body: { expect: blob, from: start },
  });
  return answer.status === 206 && answer.complete && answer.matches === true && answer.bytes === end - start;
}

/** Numbers from 0 to 1, the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
