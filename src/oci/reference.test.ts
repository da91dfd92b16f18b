import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isLarderError } from '../kit/errors.ts';
import { parseManifestReference, parseRepositoryName, parseTag, referenceText } from './reference.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('a repository name', () => {
  test('is one or more components joined by slashes', () => {
    for (const name of [
      'a',
      'library/alpine',
      'a.b/c_d/e__f/g-h/i---j',
      '0/1',
      'blobs/manifests/tags/list',
    ]) {
      assert.equal(parseRepositoryName(name), name);
    }
  });

  test('has lower-case letters, digits and single separators between them, nothing else', () => {
    const bad = [
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      'A',
      'a/B',
      '.a',
      'a.',
      'a..b',
      'a___b',
      'a._b',
      '-a',
      'a-',
      'a b',
      'a%2fb',
      '../a',
      'a/..',
      'é',
      'a\n',
    ];
    for (const name of bad) {
      assert.throws(
        () => parseRepositoryName(name),
        (error) => isLarderError(error, 'NAME_INVALID'),
        JSON.stringify(name),
      );
    }
  });

  test('has at most 255 characters', () => {
    assert.equal(parseRepositoryName('a'.repeat(255)).length, 255);
    assert.throws(
      () => parseRepositoryName('a'.repeat(256)),
      (error) => isLarderError(error, 'NAME_INVALID'),
    );
  });

  test('is judged in time that grows with its length only, whatever it holds', () => {
    const begun = performance.now();
    for (const part of ['a', '-', 'a-', 'a.', '/', 'a/']) {
      assert.throws(() => parseRepositoryName(`${part.repeat(100_000)}!`));
    }
    assert.ok(performance.now() - begun < 1000);
  });

  test('is read when it was built by the grammar of the specification', () => {
    fc.assert(
      fc.property(fc.array(component(), { minLength: 1, maxLength: 5 }), (components) => {
        const name = components.join('/');
        fc.pre(name.length <= 255);
        assert.equal(parseRepositoryName(name), name);
      }),
    );
  });
});

describe('a manifest reference', () => {
  test('with a colon is a digest, and else a tag', () => {
    assert.deepEqual(parseManifestReference('v1.2_3-rc'), { kind: 'tag', tag: 'v1.2_3-rc' });
    assert.deepEqual(parseManifestReference(DIGEST), { kind: 'digest', digest: DIGEST });
    assert.throws(
      () => parseManifestReference('sha256:abc'),
      (error) => isLarderError(error, 'DIGEST_INVALID'),
    );
    assert.throws(
      () => parseManifestReference('.hidden'),
      (error) => isLarderError(error, 'TAG_INVALID'),
    );
  });

  test('is written as it was read', () => {
    const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/);
    fc.assert(
      fc.property(fc.oneof(tag, fc.constant(DIGEST)), (text) => {
        assert.equal(referenceText(parseManifestReference(text)), text);
      }),
    );
  });
});

test('a tag has at most 128 characters and does not begin with a separator', () => {
  assert.equal(parseTag('_'.repeat(128)).length, 128);
  for (const text of ['', '-a', '.a', 'a/b', 'a b', 'a'.repeat(129), 'a\n', 'ä']) {
    assert.throws(
      () => parseTag(text),
      (error) => isLarderError(error, 'TAG_INVALID'),
      JSON.stringify(text),
    );
  }
});

/** `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution-spec v1.1.1, "Pulling manifests"). */
function component(): fc.Arbitrary<string> {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const separator = fc.constantFrom('.', '_', '__', '-', '---');
  return fc
    .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
    .map(([first, rest]) => first + rest.map((pair) => pair.join('')).join(''));
}
