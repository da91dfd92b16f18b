import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readImageVector, registryImage } from './image-vector.ts';

const IMAGE = 'images.example:5000/larder:0.1.0@sha256:0123';

/** The image with an overwrite of these entries. */
const withEntries = (entries: object[], image: string | undefined = IMAGE): string =>
  registryImage(image, readImageVector(JSON.stringify({ images: entries }), 'iv.yaml'));

const registry = (fields: object) => ({ name: 'registry', ...fields });

describe('the image of the caches', () => {
  test('is the one that is given, whatever its form', () => {
    for (const image of ['larder', 'a.io/larder:1', 'a.io:5000/larder', 'a.io/l@sha256:01', IMAGE])
      assert.equal(registryImage(image, []), image);
  });

  test('is that of an entry "registry", which keeps the tag if it has none', () => {
    assert.equal(withEntries([registry({ repository: 'b.io/l', tag: '2' })]), 'b.io/l:2');
    assert.equal(withEntries([registry({ repository: 'b.io/l' })]), 'b.io/l:0.1.0@sha256:0123');
    assert.equal(withEntries([registry({ repository: 'b.io/l' })], 'a.io/l@sha256:01'), 'b.io/l@sha256:01');
    assert.equal(withEntries([registry({ repository: 'b.io/l', tag: 'sha256:02' })]), 'b.io/l@sha256:02');
    assert.equal(withEntries([registry({ ref: 'b.io/l:3@sha256:03' })]), 'b.io/l:3@sha256:03');
    assert.equal(withEntries([registry({ repository: 'b.io/l' })], ''), 'b.io/l');
  });

  test('is that of the last of several entries alike, each with what the others have', () => {
    const entries = [registry({ repository: 'b.io/l', tag: '2' }), registry({ repository: 'c.io/l' })];
    assert.equal(withEntries(entries), 'c.io/l:2');
    assert.equal(withEntries([registry({ ref: 'x' }), ...entries]), 'c.io/l:2');
  });

  test('runs on amd64, and one for amd64 alone goes before one for several', () => {
    const one = (...architectures: string[]) =>
      registry({ repository: architectures.join('-'), architectures });
    assert.equal(withEntries([one('arm64'), one('amd64', 'arm64')]), IMAGE);
    assert.equal(withEntries([one('amd64', 'arm64'), one('amd64')]), 'amd64');
    assert.equal(withEntries([{ ...one('amd64'), targetVersion: '>= 1.30' }]), 'amd64');
    assert.equal(withEntries([registry({ repository: 'b', runtimeVersion: '>= 1.30' })]), IMAGE);
    assert.throws(() => withEntries([one('arm64')], ''), { message: /^could not find image "registry": / });
  });

  test('is missed where nothing names one', () => {
    assert.throws(() => withEntries([{ name: 'other', repository: 'x' }], ''), {
      code: 'CONFIG_INVALID',
      message:
        'could not find image "registry": neither --image (LARDER_IMAGE) nor an entry of that name in IMAGEVECTOR_OVERWRITE is there',
    });
  });
});

describe('the file', () => {
  test('may have fields that say nothing of images, and entries of other names', () => {
    const yaml = `
images:
- name: registry
  sourceRepository: github.com/x/y
  repository: b.io/l
  labels: [{name: a, value: {b: c}}]
- {name: etcd, ref: b.io/etcd:1}
`;
    assert.equal(registryImage(IMAGE, readImageVector(yaml, 'iv.yaml')), 'b.io/l:0.1.0@sha256:0123');
    for (const empty of ['', 'images:', '{}', 'other: 1'])
      assert.deepEqual(readImageVector(empty, 'iv.yaml'), []);
  });

  for (const [text, problem] of [
    ['images: [{name: 1', /line 1, column \d+: /],
    ['- a', /expected|must be a map/],
    ['images: {}', /^images: must be a list, found a map$/m],
    ['images: [{name: x, ref: y, tag: 1.0}]', /^images\[0\]\.tag: must be a string, found the number 1$/m],
    ['images: [{repository: x}]', /^images\[0\]\.name: Required value: image name is required$/m],
    [
      'images: [{name: x}]',
      /^images\[0\]\.ref\/repository: Required value: either image ref or repository\+tag is required$/m,
    ],
    [
      'images: [{name: x, ref: ""}]',
      /^images\[0\]\.ref: Invalid value: "": ref must not be empty if specified$/m,
    ],
    [
      'images: [{name: x, ref: y, repository: z}]',
      /^images\[0\]\.repository: Forbidden: cannot specify repository when ref is set$/m,
    ],
    [
      'images: [{name: x, ref: y, tag: z}]',
      /^images\[0\]\.tag: Forbidden: cannot specify tag when ref is set$/m,
    ],
    [
      'images: [{name: x, repository: ""}]',
      /^images\[0\]\.repository: Invalid value: "": repository must not be empty if specified$/m,
    ],
    [
      'images: [{name: x, repository: y, tag: ""}]',
      /^images\[0\]\.tag: Invalid value: "": image tag must not be empty if specified$/m,
    ],
  ] as const)
    test(`is refused with its name and the reason: ${text}`, () => {
      assert.throws(
        () => readImageVector(text, 'iv.yaml'),
        (error: Error) =>
          error.message.startsWith('iv.yaml: not an image vector\n') && problem.test(error.message),
      );
    });
});
