import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isDigest } from './digest.ts';
import { parseManifest } from './manifest.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const C = `sha512:${'c'.repeat(128)}`;

function read(value: unknown): ReturnType<typeof parseManifest> {
  return parseManifest(Buffer.from(JSON.stringify(value)));
}

describe('the descriptors of a manifest', () => {
  test('of an image are its config and layers, and its subject', () => {
    const manifest = read({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: A, size: 10 },
      layers: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: C, size: 0, annotations: {} },
      ],
      subject: { mediaType: 'x', digest: B, size: 3 },
    });
    assert.equal(manifest?.mediaType, 'application/vnd.oci.image.manifest.v1+json');
    assert.deepEqual(
      manifest.blobs.map(({ digest, size }) => [digest, size]),
      [
        [A, 10],
        [C, 0],
      ],
    );
    assert.deepEqual(manifest.manifests, []);
    assert.equal(manifest.subject?.digest, B);
  });

  test('of an index are its manifests, and of an artifact its blobs', () => {
    assert.deepEqual(read({ manifests: [{ digest: A, size: 5, mediaType: 'm' }] })?.manifests, [
      { digest: A, size: 5, mediaType: 'm' },
    ]);
    assert.deepEqual(read({ blobs: [{ digest: A, size: 5 }] })?.blobs, [
      { digest: A, size: 5, mediaType: '' },
    ]);
  });

  test('that cannot be right are left out, and the others stay', () => {
    const layers = [
      { digest: A, size: -1 },
      { digest: A, size: 1.5 },
      { digest: A, size: '5' },
      { digest: 'md5:x', size: 1 },
      { size: 1 },
      null,
      7,
      { digest: A, size: Number.MAX_SAFE_INTEGER + 2 },
      { digest: B, size: 1 },
    ];
    assert.deepEqual(
      read({ layers })?.blobs.map(({ digest }) => digest),
      [B],
    );
  });
});

test('what is no JSON object with a field of a manifest is none', () => {
  for (const text of ['', '{', '[]', 'null', '"x"', '{}', '{"errors":[]}', '\ufeff{"layers":[]}']) {
    assert.equal(parseManifest(Buffer.from(text)), undefined, text);
  }
});

test('reads a part of a larger buffer, not the buffer', () => {
  const whole = Buffer.from('xx{"layers":[]}xx');
  assert.deepEqual(parseManifest(whole.subarray(2, -2))?.blobs, []);
});

test('never throws, and gives only descriptors with a digest and a size', () => {
  const part = fc.oneof(
    fc.jsonValue(),
    fc.record(
      { digest: fc.constantFrom(A, B, 'x'), size: fc.oneof(fc.nat(), fc.jsonValue()) },
      { requiredKeys: [] },
    ),
  );
  const document = fc.record(
    {
      mediaType: part,
      config: part,
      layers: fc.array(part),
      blobs: part,
      manifests: fc.array(part),
      subject: part,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(document, (value) => {
      const manifest = read(value);
      for (const { digest, size, mediaType } of [
        ...(manifest?.blobs ?? []),
        ...(manifest?.manifests ?? []),
      ]) {
        assert.ok(
          isDigest(digest) && Number.isSafeInteger(size) && size >= 0 && typeof mediaType === 'string',
        );
      }
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseManifest(bytes)));
});
