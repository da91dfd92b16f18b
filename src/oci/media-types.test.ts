import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { accepts, acceptClass, essence, isSchema1 } from './media-types.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';

test('the essence of a content type has no parameters and no upper case', () => {
  assert.equal(essence(' Application/JSON ; charset=utf-8'), 'application/json');
  assert.equal(essence(INDEX), INDEX);
  assert.equal(essence(''), '');
});

test('only the two forms of schema 1 are schema 1', () => {
  assert.equal(isSchema1('application/vnd.docker.distribution.manifest.v1+json'), true);
  assert.equal(isSchema1('application/vnd.docker.distribution.manifest.v1+prettyjws'), true);
  assert.equal(isSchema1(DOCKER), false);
  assert.equal(isSchema1(MANIFEST), false);
});

describe('the class of an Accept header', () => {
  test('is the same for the same types in another order, case, weight, or repeated', () => {
    const one = acceptClass(`${INDEX}, ${MANIFEST}`);
    assert.equal(acceptClass(`${MANIFEST};q=0.5,${INDEX.toUpperCase()},, ${MANIFEST}`), one);
    assert.notEqual(acceptClass(INDEX), one);
  });

  test('differs between clients that accept lists and those that do not', () => {
    const without = acceptClass(`${DOCKER}, ${MANIFEST}`);
    assert.notEqual(acceptClass(`${DOCKER}, ${MANIFEST}, ${LIST}`), without);
    assert.notEqual(acceptClass(`${DOCKER}, ${MANIFEST}, */*`), without);
  });

  test('is one for no header, an empty one and one without a type', () => {
    assert.equal(acceptClass(undefined), '-');
    assert.equal(acceptClass('  '), '-');
    assert.equal(acceptClass(' , ;q=1'), '-');
  });

  test('stays different however many vendor types stand before the difference', () => {
    const many = Array.from(
      { length: 20 },
      (_, index) => `application/vnd.example.artifact.config.v${index}+json`,
    ).join(', ');
    assert.notEqual(acceptClass(`${many}, ${LIST}`), acceptClass(many));
    assert.ok(acceptClass(many).length <= 200);
  });

  test('is equal exactly when the sets of manifest types are equal', () => {
    const types = [
      INDEX,
      MANIFEST,
      LIST,
      DOCKER,
      '*/*',
      'application/vnd.example+json',
      'application/vnd.other+json',
    ];
    const set = fc.subarray(types);
    const written = (chosen: string[], seed: number): string =>
      chosen
        .map((type, index) => (seed % 3 === index ? `${type};q=0.${seed % 9}` : type))
        .sort(() => ((seed & 1) === 0 ? 1 : -1))
        .join(',');
    fc.assert(
      fc.property(set, set, fc.nat(), fc.nat(), (a, b, seedA, seedB) => {
        const equal = a.length === b.length && a.every((type) => b.includes(type));
        assert.equal(acceptClass(written(a, seedA)) === acceptClass(written(b, seedB)), equal);
      }),
    );
  });

  test('is short printable text for any header', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3000 }), (header) => assert.ok(acceptClass(header).length <= 200)),
    );
  });
});

test('an Accept header takes a media type by its name, by a wildcard, or when it names none', () => {
  assert.equal(accepts('application/json, application/vnd.oci.image.index.v1+json;q=0.5', INDEX), true);
  assert.equal(accepts('*/*', INDEX), true);
  assert.equal(accepts('application/*', INDEX), true);
  assert.equal(accepts(undefined, INDEX), true);
  assert.equal(accepts(' ', INDEX), true);
  assert.equal(accepts('application/vnd.oci.image.manifest.v1+json, text/*', INDEX), false);
});
