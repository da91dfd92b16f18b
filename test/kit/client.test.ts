import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobOf, digestOf, get, imageOf, pullImage, startUpstream } from './index.ts';

test('a body is kept, only hashed, or compared', async () => {
  await using upstream = await startUpstream();
  const blob = blobOf(1_500_000);
  upstream.push('r', blob);
  const url = `${upstream.url}/v2/r/blobs/${blob.digest}`;
  const kept = await get(url);
  assert.deepEqual([kept.digest, kept.body.length, kept.matches], [blob.digest, 1_500_000, undefined]);
  const hashed = await get(url, { body: 'hash' });
  assert.deepEqual([hashed.digest, hashed.body.length, hashed.bytes], [blob.digest, 0, 1_500_000]);
  const compared = await get(url, { body: { expect: blobOf(1_500_000, 2) } });
  assert.deepEqual([compared.digest, compared.matches, compared.complete], [undefined, false, true]);
});

test('a reader can be slow, and can leave', async () => {
  await using upstream = await startUpstream();
  const blob = blobOf(600_000);
  upstream.push('r', blob);
  const url = `${upstream.url}/v2/r/blobs/${blob.digest}`;
  const begin = performance.now();
  assert.equal((await get(url, { slowBytesPerSecond: 3_000_000 })).complete, true);
  assert.ok(performance.now() - begin > 150);
  const left = await get(url, { abortAfterBytes: 100_000 });
  assert.ok(!left.complete && left.bytes >= 100_000, `${left.bytes}`);
});

test('a pull uses the given alias and ns', async () => {
  await using upstream = await startUpstream();
  upstream.push('docker.io/library/app', imageOf(), 'v1');
  await pullImage(upstream.url, 'library/app', 'v1', { alias: 'docker.io', ns: 'reg.example:5000' });
  assert.deepEqual(
    new Set(upstream.requests.map(({ query }) => query.get('ns'))),
    new Set(['reg.example:5000']),
  );
});

test('a pull fails on wrong bytes, on a short body and on a wrong tag digest', async () => {
  await using upstream = await startUpstream();
  const image = imageOf({ layers: [5000] });
  upstream.push('r', image, 'v1');
  const pull = () => pullImage(upstream.url, 'r', 'v1');
  for (const [effect, message] of [
    [{ match: { kind: 'blob' }, flipByteAt: 50 }, /content with digest/],
    [{ match: { kind: 'blob' }, cutAfter: 50 }, /after 50 bytes/],
    [{ match: { method: 'HEAD' }, digestHeader: { value: digestOf('x') } }, /gave 404/],
    [{ match: { method: 'HEAD' }, digestHeader: 'omit' }, /no Docker-Content-Digest/],
  ] as const) {
    using _fault = upstream.faults.add(effect);
    await assert.rejects(pull(), message);
  }
  assert.equal((await pull()).digest, image.digest);
});
