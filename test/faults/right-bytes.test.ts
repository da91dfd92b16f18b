/** docs/laws.md, "Right bytes": nobody ever receives a complete body whose digest is wrong, whatever the upstream sends. */
import assert from 'node:assert/strict';
import {
  digestOf,
  get,
  head,
  MEDIA_TYPES,
  oversizedImage,
  waitFor,
  type FaultEffects,
  type GetResult,
  type TestBlob,
} from '../kit/index.ts';
import { blobUrl, cacheStatus, errorCode, manifestUrl, MiB, type Addressed } from './setting.ts';
import { newBlob, newImage, shareLarder } from './shared-larder.ts';

const shared = shareLarder();

/** After the end of a fault everything is normal within 10 s (docs/laws.md, "Do no harm"). */
const RECOVERY = { limitMs: 10_000, everyMs: 200 };

const wrongBodies: { name: string; fault: FaultEffects }[] = [
  { name: 'one flipped byte at the beginning', fault: { flipByteAt: 0 } },
  { name: 'one flipped byte at the end', fault: { flipByteAt: 999 } },
  { name: 'a Content-Length that is too small', fault: { contentLength: 500 } },
  {
    name: 'an error page with status 200',
    fault: { body: { text: '<html>sign in</html>', contentType: 'text/html' } },
  },
  { name: 'an empty body', fault: { body: { text: '' } } },
];

for (const { name, fault } of wrongBodies) {
  shared.test(
    `a small blob with ${name} is a 502 for each of 50 callers at once, is not stored, and is right within 10 s after`,
    async ({ upstream, larder }) => {
      const blob = newBlob(1000);
      upstream.push('team/app', blob);
      const wrong = upstream.faults.add({ match: { kind: 'blob' }, ...fault });
      const refused = (): Promise<number> =>
        larder.metric('larder_corrupt_blobs_total', { action: 'refused' });
      const before = await refused();

      const answers = await crowd(50, larder, blob);
      for (const answer of answers) {
        assert.equal(answer.status, 502);
        assert.equal(errorCode(answer), 'DIGEST_INVALID');
        assert.deepEqual(cacheStatus(answer), ['larder', 'detail=UPSTREAM_DIGEST_MISMATCH']);
      }
      // A caller after the first wrong body has the upstream asked once more.
      assert.ok(upstream.count() <= 2, `50 callers, ${upstream.count()} requests`);
      assert.ok((await refused()) > before);
      wrong.remove();
      await rightAgain(larder, blob);
    },
  );
}

const wrongLargeBodies: { name: string; fault: FaultEffects }[] = [
  { name: 'one flipped byte in the middle', fault: { flipByteAt: 3 * MiB } },
  { name: 'its very last byte flipped', fault: { flipByteAt: 8 * MiB - 1 } },
];

for (const { name, fault } of wrongLargeBodies) {
  shared.test(
    `a large blob with ${name} is cut off in order for all 50 callers, is not stored, and is right within 10 s after`,
    async ({ upstream, larder }) => {
      const blob = newBlob(8 * MiB);
      upstream.push('team/app', blob);
      const wrong = upstream.faults.add({ match: { kind: 'blob' }, ...fault });

      for (const answer of await crowd(50, larder, blob)) assertNoWrongBody(answer, blob);
      wrong.remove();
      await rightAgain(larder, blob);
    },
  );
}

for (const size of [1000, 2 * MiB]) {
  shared.test(
    `after one wrong body of ${size} bytes the very next request asks the upstream again, and is right`,
    async ({ upstream, larder }) => {
      const blob = newBlob(size);
      upstream.push('team/app', blob);
      upstream.faults.add({ match: { kind: 'blob' }, flipByteAt: size - 1, times: 1 });
      const url = blobUrl(larder, 'team/app', blob);
      const wrong = await get(url, { body: { expect: blob } });
      assert.equal(wrong.status === 200 && wrong.complete, false);
      const next = await get(url, { body: { expect: blob } });
      assert.equal(next.status, 200);
      assert.equal(next.complete && next.matches && next.bytes === size, true);
      assert.equal(upstream.count(), 2);
    },
  );

  shared.test(
    `a second wrong body of ${size} bytes in a row is remembered for 3 s, in which nothing is sent, and no longer`,
    async ({ upstream, larder }) => {
      const blob = newBlob(size);
      upstream.push('team/app', blob);
      upstream.faults.add({ match: { kind: 'blob' }, flipByteAt: size - 1, times: 2 });
      const url = blobUrl(larder, 'team/app', blob);
      for (let request = 1; request <= 2; request += 1) {
        const wrong = await get(url, { body: { expect: blob } });
        assert.equal(wrong.status === 200 && wrong.complete, false);
        assert.equal(upstream.count(), request);
      }
      const remembered = await get(url);
      assert.equal(remembered.status, 502);
      assert.equal(errorCode(remembered), 'DIGEST_INVALID');
      assert.equal(upstream.count(), 2, 'nothing is sent');
      await waitFor(async () => (await get(url)).status === 200, { limitMs: 3500, everyMs: 100 });
      assert.equal(upstream.count(), 3);
    },
  );
}

shared.test(
  'after one wrong body of a manifest the very next request asks the upstream again, and is right',
  async ({ upstream, larder }) => {
    const image = newImage();
    upstream.push('team/app', image, 'v1');
    upstream.faults.add({ match: { kind: 'manifest', method: 'GET' }, flipByteAt: 30, times: 1 });
    const url = manifestUrl(larder, 'team/app', image.digest);
    assert.equal((await get(url)).status, 502);
    assert.equal((await get(url)).digest, image.digest);
  },
);

shared.test(
  'a blob that is longer than announced by its manifest and has no Content-Length reaches nobody as a whole',
  async ({ upstream, larder }) => {
    const blob = newBlob(2 * MiB);
    upstream.push('team/app', blob);
    upstream.faults.add({ match: { kind: 'blob' }, chunked: true, flipByteAt: MiB });
    for (const answer of await crowd(20, larder, blob)) assertNoWrongBody(answer, blob);
  },
);

shared.test(
  'a body without Content-Length is served whole, stored, and then has its length',
  async ({ upstream, larder }) => {
    const blob = newBlob(3 * MiB);
    upstream.push('team/app', blob);
    upstream.faults.add({ match: { kind: 'blob' }, chunked: true });
    const cold = await get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
    assert.equal(cold.status === 200 && cold.complete && cold.matches && cold.bytes === blob.size, true);
    const warm = await get(blobUrl(larder, 'team/app', blob), { headers: { range: 'bytes=100-199' } });
    assert.equal(warm.status, 206);
    assert.equal(warm.headers['content-range'], `bytes 100-199/${blob.size}`);
    assert.equal(upstream.count(), 1);
  },
);

shared.test(
  'a range of a blob without Content-Length is 206 when the manifest told its size',
  async ({ upstream, larder }) => {
    const image = newImage({ layers: [3 * MiB] });
    const layer = image.layers[0] as TestBlob;
    upstream.push('team/app', image, 'v1');
    upstream.faults.add({ match: { kind: 'blob' }, chunked: true });
    await get(manifestUrl(larder, 'team/app', image.digest));
    const answer = await get(blobUrl(larder, 'team/app', layer), {
      headers: { range: `bytes=${MiB}-` },
      body: { expect: layer, from: MiB },
    });
    assert.equal(answer.status, 206);
    assert.equal(answer.complete && answer.matches && answer.bytes === 2 * MiB, true);
  },
);

shared.test(
  'a Content-Length that is too large, or a body that is always too short, is never taken for the whole',
  async ({ upstream, larder }) => {
    const blob = newBlob(300_000);
    upstream.push('team/app', blob);
    const wrong = upstream.faults.add({ match: { kind: 'blob' }, contentLength: 400_000 });
    const answer = await get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
    assert.equal(answer.status === 200 && answer.complete, false);
    wrong.remove();
    await rightAgain(larder, blob);
  },
);

const wrongRanges: { range: NonNullable<FaultEffects['range']>; served: boolean }[] = [
  { range: 'ignore', served: true },
  { range: 'refuse', served: true },
  { range: 'mislabel', served: true },
  { range: 'shift', served: false },
];

for (const { range, served } of wrongRanges) {
  const what = served ? 'still gives one right body' : 'is cut off and not stored';
  shared.test(
    `a body that is cut at an upstream whose ranges are wrong (${range}) ${what}`,
    async ({ upstream, larder }) => {
      const blob = newBlob(4 * MiB);
      upstream.push('team/app', blob);
      upstream.faults.add({ match: { kind: 'blob' }, cutAfter: MiB, nth: 1 });
      const wrong = upstream.faults.add({ match: { kind: 'blob' }, range });
      const answer = await get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
      assertNoWrongBody(answer, blob);
      assert.equal(answer.complete, served);
      wrong.remove();
      await rightAgain(larder, blob);
    },
  );
}

shared.test(
  'a manifest whose bytes do not have the digest asked for is a 502 and is not stored',
  async ({ upstream, larder }) => {
    const image = newImage();
    upstream.push('team/app', image, 'v1');
    const wrong = upstream.faults.add({ match: { kind: 'manifest' }, flipByteAt: 30 });
    const urls = [manifestUrl(larder, 'team/app', image.digest), manifestUrl(larder, 'team/app', 'v1')];
    for (const answer of await Promise.all(
      urls.flatMap((url) => Array.from({ length: 25 }, () => get(url))),
    )) {
      assert.equal(answer.status, 502);
      assert.equal(errorCode(answer), 'DIGEST_INVALID');
    }
    wrong.remove();
    await waitFor(async () => (await get(urls[0] as string)).digest === image.digest, RECOVERY);
    await waitFor(async () => (await get(urls[1] as string)).digest === image.digest, RECOVERY);
  },
);

shared.test(
  'a tag whose Docker-Content-Digest is wrong is a 502; one without the header is served by the digest of its bytes',
  async ({ upstream, larder }) => {
    const image = newImage();
    upstream.push('team/app', image, 'v1');
    const url = manifestUrl(larder, 'team/app', 'v1');

    const wrong = upstream.faults.add({
      match: { kind: 'manifest' },
      digestHeader: { value: digestOf('something else') },
    });
    assert.equal((await get(url)).status, 502);
    wrong.remove();

    using _ = upstream.faults.add({ match: { kind: 'manifest' }, digestHeader: 'omit' });
    for (const answer of [
      await get(url),
      await head(url),
      await get(manifestUrl(larder, 'team/app', image.digest)),
    ]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['docker-content-digest'], image.digest);
      assert.equal(answer.headers['content-length'], `${image.size}`);
      assert.equal(answer.headers['content-type'], MEDIA_TYPES.ociManifest);
    }
  },
);

for (const [what, fault] of [
  ['states no digest', { digestHeader: 'omit' }],
  ['refuses HEAD', { status: 405 }],
] as const) {
  shared.test(
    `HEAD of a tag at an upstream that ${what} is answered by a GET`,
    async ({ upstream, larder }) => {
      const image = newImage();
      upstream.push('team/app', image, 'v1');
      upstream.faults.add({ match: { kind: 'manifest', method: 'HEAD' }, ...fault });
      const answer = await head(manifestUrl(larder, 'team/app', 'v1'));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['docker-content-digest'], image.digest);
      assert.equal(answer.headers['content-length'], `${image.size}`);
    },
  );
}

shared.test(
  'a manifest of 4 393 216 bytes is served, one of a byte more is a 502, with and without Content-Length',
  async ({ upstream, larder }) => {
    const largest = oversizedImage(4_393_216);
    const oversized = oversizedImage();
    upstream.push('team/app', largest, 'largest');
    upstream.push('team/app', oversized, 'oversized');
    assert.equal((await get(manifestUrl(larder, 'team/app', 'largest'))).digest, largest.digest);

    for (const chunked of [false, true]) {
      using _ = upstream.faults.add({ match: { kind: 'manifest' }, chunked });
      for (const reference of ['oversized', oversized.digest]) {
        const answer = await get(manifestUrl(larder, 'team/app', reference));
        assert.equal(answer.status, 502, `${reference} ${chunked}`);
        assert.equal(errorCode(answer), 'MANIFEST_INVALID');
      }
    }
  },
);

shared.test(
  'an image with wrong bytes everywhere is pulled right as soon as the fault has ended, at the latest 10 s later',
  async ({ upstream, pull }) => {
    const image = newImage({ layers: [5000, 2 * MiB] });
    upstream.push('team/app', image, 'v1');
    const wrong = upstream.faults.add({
      match: { kind: ['manifest', 'blob'], method: 'GET' },
      flipByteAt: 100,
    });
    await assert.rejects(pull('team/app', 'v1'));
    wrong.remove();
    const pulled = await waitFor(() => pull('team/app', 'v1'), RECOVERY);
    assert.equal(pulled.digest, image.digest);
  },
);

function crowd(count: number, larder: Addressed, blob: TestBlob): Promise<GetResult[]> {
  const url = blobUrl(larder, 'team/app', blob);
  return Promise.all(Array.from({ length: count }, () => get(url)));
}

/** Either an error, or a beginning of the right body that was cut by FIN, or the right body. */
function assertNoWrongBody(answer: GetResult, blob: TestBlob): void {
  if (answer.status !== 200) {
    assert.equal(answer.status, 502);
    return;
  }
  if (answer.complete) {
    const right = answer.matches ?? answer.digest === blob.digest;
    assert.equal(right && answer.bytes === blob.size, true, 'a complete body is the right one');
    return;
  }
  // node:http says "aborted" after a FIN, and "read ECONNRESET" after a reset, which containerd does not resume.
  assert.equal(answer.failure?.message, 'aborted');
}

async function rightAgain(larder: Addressed, blob: TestBlob): Promise<void> {
  const url = blobUrl(larder, 'team/app', blob);
  await waitFor(async () => {
    const answer = await get(url, { body: { expect: blob } });
    return answer.status === 200 && answer.complete && answer.matches && answer.bytes === blob.size;
  }, RECOVERY);
  const warm = await get(url, { body: { expect: blob } });
  assert.deepEqual(cacheStatus(warm), ['larder', 'hit']);
  assert.equal(warm.complete && warm.matches && warm.bytes === blob.size, true);
}
