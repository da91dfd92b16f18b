import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseShoot } from '../../../test/gardener/recorded-admission.ts';
import { readShoot } from './shoot.ts';

const TYPE = { apiVersion: 'core.gardener.cloud/v1beta1', kind: 'Shoot' };
const runtimes = (...workers: unknown[]): string[] =>
  readShoot({ ...TYPE, spec: { provider: { workers } } }, '').spec.provider.workers.map(
    ({ cri }) => cri.name,
  );

test('a worker pool without cri runs containerd, and one with an empty cri nothing', () => {
  assert.deepEqual(runtimes({}, { cri: null }, null), ['containerd', 'containerd', 'containerd']);
  assert.deepEqual(runtimes({ cri: {} }, { cri: { name: null } }, { cri: { name: 'docker' } }), [
    '',
    '',
    'docker',
  ]);
});

test('fields of newer versions are left alone, and missing ones are empty', () => {
  const shoot = { ...baseShoot(), status: { new: 1 }, another: [{}] };
  assert.equal(readShoot(shoot, '').metadata.namespace, 'garden-p');
  assert.deepEqual(readShoot(TYPE, '').spec, {
    extensions: [],
    resources: [],
    provider: { workers: [] },
    kubernetes: { version: '' },
  });
});

test('a field of the wrong type is reported in the words of Go', () => {
  const field = 'json: cannot unmarshal';
  for (const [spec, message] of [
    [7, `${field} number into Go struct field Shoot.spec of type v1beta1.ShootSpec`],
    [
      { extensions: ['x'] },
      `${field} string into Go struct field ShootSpec.spec.extensions of type v1beta1.Extension`,
    ],
    [
      { extensions: [{ type: true }] },
      `${field} bool into Go struct field Extension.spec.extensions.type of type string`,
    ],
    [
      { resources: [{ resourceRef: [] }] },
      `${field} array into Go struct field NamedResourceReference.spec.resources.resourceRef of type v1.CrossVersionObjectReference`,
    ],
    [
      { provider: { workers: [{ cri: { name: {} } }] } },
      `${field} object into Go struct field CRI.spec.provider.workers.cri.name of type v1beta1.CRIName`,
    ],
  ] as const) {
    assert.throws(() => readShoot({ ...TYPE, spec }, 'could not decode request {Shoot a/b}'), {
      message: `could not decode request {Shoot a/b}: ${message}`,
      code: 400,
    });
  }
});

test('the entries after one of the wrong type are not read', () => {
  const unread = {
    get type() {
      return assert.fail('it was read');
    },
  };
  assert.throws(() => readShoot({ ...TYPE, spec: { extensions: [{}, 0, unread] } }, ''), {
    message:
      /cannot unmarshal number into Go struct field ShootSpec\.spec\.extensions of type v1beta1\.Extension$/,
  });
});

test('an object of another kind or version is refused', () => {
  const read = (object: unknown) => () => readShoot(object, 'x');
  assert.throws(read({ ...TYPE, kind: 'Seed' }), {
    message: 'x: no kind "Seed" is registered for version "core.gardener.cloud/v1beta1"',
  });
  for (const object of [undefined, null, 7, [], {}, { apiVersion: 7, kind: [] }])
    assert.throws(read(object), { message: 'x: no kind "" is registered for version ""', code: 400 });
});
