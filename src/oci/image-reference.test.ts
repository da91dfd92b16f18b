import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLarderError } from '../kit/errors.ts';
import { digestOf } from './digest.ts';
import { parseImageOrDigest, parseImageReference } from './image-reference.ts';
import { referenceText } from './reference.ts';

const digest = digestOf(Buffer.from('x'));

for (const [text, upstream, repository, reference] of [
  ['alpine', 'docker.io', 'library/alpine', 'latest'],
  ['alpine:3.22', 'docker.io', 'library/alpine', '3.22'],
  ['grafana/grafana', 'docker.io', 'grafana/grafana', 'latest'],
  ['docker.io/alpine', 'docker.io', 'library/alpine', 'latest'],
  ['index.docker.io/alpine', 'docker.io', 'library/alpine', 'latest'],
  ['ghcr.io/team/app:v1', 'ghcr.io', 'team/app', 'v1'],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io', 'pause', '3.10'],
  ['localhost/app', 'localhost', 'app', 'latest'],
  ['127.0.0.1:5000/team/app:v1', '127.0.0.1:5000', 'team/app', 'v1'],
  [`ghcr.io/team/app@${digest}`, 'ghcr.io', 'team/app', digest],
  [`ghcr.io/team/app:v1@${digest}`, 'ghcr.io', 'team/app', digest],
] as const) {
  test(`${text} is ${reference} of ${repository} at ${upstream}`, () => {
    const read = parseImageReference(text);
    assert.deepEqual(
      [read.upstream, read.repository, referenceText(read.reference)],
      [upstream, repository, reference],
    );
  });
}

test('a name without dot and colon is a registry when it is known as one', () => {
  assert.equal(parseImageReference('mine/app').upstream, 'docker.io');
  assert.equal(parseImageReference('mine/app', (host) => host === 'mine').upstream, 'mine');
});

test('what is no image is refused with the part that is wrong', () => {
  for (const [text, code] of [
    ['', 'NAME_INVALID'],
    ['Upper', 'NAME_INVALID'],
    ['ghcr.io/', 'NAME_INVALID'],
    ['https://ghcr.io/app', 'NAME_INVALID'],
    ['app:', 'TAG_INVALID'],
    ['app:a:b', 'TAG_INVALID'],
    ['app@sha256:12', 'DIGEST_INVALID'],
    ['app@', 'DIGEST_INVALID'],
  ] as const) {
    assert.throws(() => parseImageReference(text), { code }, text);
  }
});

test('a digest alone is any content', () => {
  assert.equal(parseImageOrDigest(digest), digest);
});

test('a part of a digest is no image', () => {
  assert.throws(() => parseImageOrDigest('sha256:12ab'), { code: 'DIGEST_INVALID' });
});

test('any text is read or refused by one of three errors', () => {
  const part = fc.constantFrom('a', 'Z', '0', '.', ':', '/', '@', '-', '_', ' ', digest);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      try {
        parseImageOrDigest(parts.join(''));
      } catch (error) {
        const codes = ['NAME_INVALID', 'TAG_INVALID', 'DIGEST_INVALID'] as const;
        assert.ok(codes.some((code) => isLarderError(error, code)));
      }
    }),
  );
});
