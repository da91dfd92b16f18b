import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isLarderError } from '../../kit/errors.ts';
import { parseRoute } from './route.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('the paths of the registry API', () => {
  for (const [path, route] of [
    ['/v2/', { kind: 'ping' }],
    ['/v2', { kind: 'ping' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/token/ghcr.io', { kind: 'token', upstream: 'ghcr.io' }],
    ['/token/localhost%3A5001', { kind: 'token', upstream: 'localhost:5001' }],
    ['/v2/a/manifests/latest', { kind: 'manifest', name: 'a', reference: { kind: 'tag', tag: 'latest' } }],
    [
      `/v2/a/b/manifests/${DIGEST}`,
      { kind: 'manifest', name: 'a/b', reference: { kind: 'digest', digest: DIGEST } },
    ],
    [`/v2/ghcr.io/o/i/blobs/${DIGEST}`, { kind: 'blob', name: 'ghcr.io/o/i', digest: DIGEST }],
    [`/v2/a/blobs/${DIGEST.replace(':', '%3A')}`, { kind: 'blob', name: 'a', digest: DIGEST }],
    ['/v2/a/tags/list', { kind: 'tags', name: 'a' }],
    [`/v2/a/referrers/${DIGEST}`, { kind: 'referrers', name: 'a', digest: DIGEST }],
    ['/v2/blobs/manifests/tags/list', { kind: 'tags', name: 'blobs/manifests' }],
    [
      '/v2/tags/list/manifests/list',
      { kind: 'manifest', name: 'tags/list', reference: { kind: 'tag', tag: 'list' } },
    ],
  ] as const) {
    test(path.slice(0, 40), () => assert.deepEqual(parseRoute(path), route));
  }
});

describe('any other path is NAME_UNKNOWN', () => {
  for (const path of [
    '/',
    '',
    '*',
    '/v1/',
    '/v2//',
    '/v3/a/tags/list',
    '/v2/a',
    '/v2/a/b/c',
    '/v2/a/tags/list/',
    '/v2/a/tags/other',
    '/v2/manifests/x',
    '/v2/_catalog/',
    `/v2/blobs/${DIGEST}`,
    'http://elsewhere.example/v2/a/tags/list',
    '/V2/a/tags/list',
  ]) {
    test(JSON.stringify(path.slice(0, 40)), () => {
      assert.throws(
        () => parseRoute(path),
        (error) => isLarderError(error, 'NAME_UNKNOWN'),
      );
    });
  }
});

test('a bad digest, a bad tag and bad percent-encoding are distinguished', () => {
  assert.throws(
    () => parseRoute('/v2/a/blobs/sha256:abc'),
    (error) => isLarderError(error, 'DIGEST_INVALID'),
  );
  assert.throws(
    () => parseRoute('/v2/a/manifests/-x'),
    (error) => isLarderError(error, 'TAG_INVALID'),
  );
  assert.throws(
    () => parseRoute('/v2/a/manifests/'),
    (error) => isLarderError(error, 'TAG_INVALID'),
  );
  assert.throws(
    () => parseRoute('/v2/%zz/tags/list'),
    (error) => isLarderError(error, 'NAME_INVALID'),
  );
});

test('any name of the grammar is read back, also one made of the words of the API', () => {
  const component = fc.oneof(
    fc.constantFrom('blobs', 'manifests', 'tags', 'list', 'referrers', 'v2', 'uploads'),
    fc.stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?$/),
  );
  const name = fc.array(component, { minLength: 1, maxLength: 6 }).map((components) => components.join('/'));
  const end = fc.constantFrom(
    ['manifest', 'manifests/latest'],
    ['manifest', `manifests/${DIGEST}`],
    ['blob', `blobs/${DIGEST}`],
    ['tags', 'tags/list'],
    ['referrers', `referrers/${DIGEST}`],
    ['manifest', 'manifests/tags'],
    ['manifest', 'manifests/list'],
  );
  fc.assert(
    fc.property(name, end, (text, [kind, rest]) => {
      const route = parseRoute(`/v2/${text}/${rest}`);
      assert.equal(route.kind, kind);
      assert.equal('name' in route && route.name, text);
    }),
  );
});

test('any path is a route or one of four errors', () => {
  const piece = fc.constantFrom(
    '/',
    'v2',
    'blobs',
    'manifests',
    'tags',
    'list',
    DIGEST,
    '%2f',
    '%',
    'a',
    '..',
    '_catalog',
    'referrers',
    'é',
  );
  const path = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => `/v2/${pieces.join('')}`),
  );
  fc.assert(
    fc.property(path, (text) => {
      try {
        parseRoute(text);
      } catch (error) {
        assert.ok(
          isLarderError(error) &&
            ['NAME_UNKNOWN', 'NAME_INVALID', 'TAG_INVALID', 'DIGEST_INVALID'].includes(error.code),
        );
      }
    }),
  );
});
