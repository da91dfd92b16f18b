import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeUpstream, type FakeAnswer } from '../../../test/cache/fake-upstream.ts';
import { targetOf } from '../../../test/cache/target.ts';
import { isLarderError } from '../../kit/errors.ts';
import { digestOf } from '../../oci/digest.ts';
import { parseManifestReference } from '../../oci/reference.ts';
import { fetchManifest, headManifest, type ManifestRequest } from './manifest-fetch.ts';
import type { ManifestRecord } from './manifest-record.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';

const CONTENT = Buffer.from('{ "layers": [] }\n');
const DIGEST = digestOf(CONTENT);
const OTHER = digestOf(Buffer.from('other'));
const LIMIT = 4_393_216;
const TYPE = 'application/vnd.oci.image.manifest.v1+json';
const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

interface Asked {
  readonly request: ManifestRequest;
  readonly client: ReturnType<typeof fakeUpstream>;
}

function asking(reference: string, answer: FakeAnswer, accept?: string): Asked {
  const client = fakeUpstream(() => answer);
  const { signal } = new AbortController();
  const request: ManifestRequest = {
    target: targetOf(client),
    reference: parseManifestReference(reference),
    accept,
    signal,
  };
  return { request, client };
}

/** Fetches, and checks that the body was read to its end or destroyed, whatever the outcome. */
async function fetched(reference: string, answer: FakeAnswer, accept?: string): Promise<ManifestRecord> {
  const { request, client } = asking(reference, answer, accept);
  try {
    return await fetchManifest(request, () => 1234);
  } finally {
    assert.equal(client.openBodies, 0);
  }
}

function good(extra: Record<string, string> = {}): FakeAnswer {
  return {
    headers: { 'content-type': TYPE, ...extra },
    contentLength: CONTENT.length,
    body: [CONTENT.subarray(0, 5), CONTENT.subarray(5)],
  };
}

describe('a manifest that is fetched', () => {
  test('has exactly the bytes, the media type and the digest of the upstream', async () => {
    const record = await fetched('latest', good({ 'docker-content-digest': DIGEST }));
    assert.ok(record.content.equals(CONTENT));
    assert.deepEqual(
      [record.digest, record.mediaType, record.storedAt, record.unverifiable],
      [DIGEST, TYPE, 1234, false],
    );
    assert.deepEqual(record.parsed?.blobs, []);
  });

  test('gets its digest computed where the upstream states none, or none that can be read', async () => {
    assert.equal((await fetched('latest', good())).digest, DIGEST);
    assert.equal((await fetched('latest', good({ 'docker-content-digest': 'md5:x' }))).digest, DIGEST);
  });

  test('keeps a sha512 digest', async () => {
    const digest = digestOf(CONTENT, 'sha512');
    assert.equal((await fetched('latest', good({ 'docker-content-digest': digest }))).digest, digest);
    assert.equal((await fetched(digest, good({ 'docker-content-digest': DIGEST }))).digest, digest);
  });

  test('has no parameters in its media type, and a general one where the upstream gives none', async () => {
    assert.equal(
      (await fetched('latest', good({ 'content-type': `${TYPE}; charset=utf-8` }))).mediaType,
      TYPE,
    );
    assert.equal((await fetched('latest', { body: [CONTENT] })).mediaType, 'application/octet-stream');
  });

  test('is refused when it has another digest than requested, or than the upstream states', async () => {
    for (const [reference, headers] of [
      [OTHER, {}],
      [OTHER, { 'docker-content-digest': DIGEST }],
      ['latest', { 'docker-content-digest': OTHER }],
    ] as const) {
      await assert.rejects(fetched(reference, good(headers)), (error) =>
        isLarderError(error, 'UPSTREAM_DIGEST_MISMATCH'),
      );
    }
  });

  test('is asked for by digest with every type but schema 1, by tag with what the client accepts and nothing else', async () => {
    const byDigest = asking(DIGEST, good(), 'text/plain');
    await fetchManifest(byDigest.request, () => 0);
    assert.equal(byDigest.client.requests[0]?.path, `/v2/team/app/manifests/${DIGEST}`);
    const accept = byDigest.client.requests[0]?.accept ?? '';
    assert.ok(accept.includes(TYPE) && accept.includes('*/*') && !accept.includes('manifest.v1+prettyjws'));
    const byTag = asking('v1', good(), 'text/plain');
    await fetchManifest(byTag.request, () => 0);
    assert.equal(byTag.client.requests[0]?.accept, 'text/plain');
    const bare = asking('v1', good());
    await fetchManifest(bare.request, () => 0);
    assert.equal('accept' in (bare.client.requests[0] ?? {}), false);
  });
});

describe('a manifest of schema 1', () => {
  const answer = { headers: { 'content-type': SCHEMA1 }, body: [CONTENT] };

  test('cannot be checked, and is marked so, under the digest that was asked for or stated', async () => {
    const byDigest = await fetched(OTHER, answer);
    assert.deepEqual([byDigest.digest, byDigest.unverifiable], [OTHER, true]);
    const byTag = await fetched('v1', {
      ...answer,
      headers: { ...answer.headers, 'docker-content-digest': OTHER },
    });
    assert.deepEqual([byTag.digest, byTag.unverifiable], [OTHER, true]);
  });
});

describe('the size of a manifest', () => {
  const body = (size: number): FakeAnswer => ({
    headers: { 'content-type': TYPE },
    body: [Buffer.alloc(size)],
  });

  test('is at most 4 393 216 bytes', async () => {
    assert.equal((await fetched('v1', body(LIMIT))).content.length, LIMIT);
    await assert.rejects(fetched('v1', body(LIMIT + 1)), (error) =>
      isLarderError(error, 'MANIFEST_TOO_LARGE'),
    );
  });

  test('that is announced as larger is refused before the body is read', async () => {
    const answer = { contentLength: LIMIT + 1, body: neverRead() };
    await assert.rejects(fetched('v1', answer), (error) => isLarderError(error, 'MANIFEST_TOO_LARGE'));
  });

  test('that is not announced is refused as well, after no more than that was read', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        given += 64 * 1024;
        yield Buffer.alloc(64 * 1024);
      }
    }
    await assert.rejects(fetched('v1', { body: endless() }), (error) =>
      isLarderError(error, 'MANIFEST_TOO_LARGE'),
    );
    assert.ok(given < 2 * LIMIT);
  });
});

describe('a refusal of the upstream', () => {
  for (const [status, code] of [
    [401, 'UPSTREAM_UNAUTHORIZED'],
    [403, 'UPSTREAM_DENIED'],
    [404, 'MANIFEST_UNKNOWN'],
    [410, 'MANIFEST_UNKNOWN'],
    [406, 'UPSTREAM_BAD_ANSWER'],
    [304, 'UPSTREAM_BAD_ANSWER'],
  ] as const) {
    test(`${status} is ${code}, by GET and by HEAD`, async () => {
      await assert.rejects(fetched('v1', { status, body: neverRead() }), (error) =>
        isLarderError(error, code),
      );
      const { request, client } = asking('v1', { status });
      await assert.rejects(headManifest(request), (error) => isLarderError(error, code));
      assert.equal(client.openBodies, 0);
    });
  }

  test('the challenges of a 401 come along', async () => {
    const challenges = ['Basic realm="r"'];
    const refused = fetched('v1', { status: 401, challenges });
    await assert.rejects(
      refused,
      (error) => error instanceof UpstreamRefusal && error.challenges === challenges,
    );
  });
});

describe('a HEAD of a manifest', () => {
  test('gives digest, media type and size where the upstream states them', async () => {
    const { request, client } = asking('v1', {
      headers: { 'content-type': TYPE, 'docker-content-digest': DIGEST },
      contentLength: 17,
    });
    assert.deepEqual(await headManifest(request), { digest: DIGEST, mediaType: TYPE, size: 17 });
    assert.deepEqual(
      client.requests.map(({ method }) => method),
      ['HEAD'],
    );
    assert.equal(client.openBodies, 0);
    assert.deepEqual(await headManifest(asking('v1', {}).request), {
      digest: undefined,
      mediaType: 'application/octet-stream',
      size: undefined,
    });
  });

  test('is undefined where the upstream does not support it', async () => {
    for (const status of [400, 405])
      assert.equal(await headManifest(asking('v1', { status }).request), undefined);
  });
});

function neverRead(): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => assert.fail('the body was read') };
}
