import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorConfigSchema } from '../mirror-config/schema.ts';
import { registryConfigSchema } from '../registry-config/schema.ts';
import { structuralSchema, type StructuralSchema } from '../crd/structural-schema.ts';
import { addedFields, addedNames } from './added-fields.ts';

/** A document with every field of the schema. */
function complete({ properties, items }: StructuralSchema): unknown {
  if (items !== undefined) return [complete(items)];
  if (properties === undefined) return 'x';
  return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, complete(field)]));
}

test('every field that the Gardener extension 0.24.0 does not know is found, and no other', () => {
  const all = complete(structuralSchema(registryConfigSchema));
  assert.deepEqual(addedFields(registryConfigSchema, all), [
    'caches[0].authentication',
    'caches[0].freshness',
    'caches[0].garbageCollection.maxSize',
    'caches[0].credentials',
    'caches[0].provider',
    'caches[0].caBundleSecretReferenceName',
    'caches[0].preload',
    'registryConfigReplication',
  ]);
  assert.deepEqual(addedFields(mirrorConfigSchema, complete(structuralSchema(mirrorConfigSchema))), []);
});

test('a field counts whatever its value is, because the extension refuses its name', () => {
  const caches = [{ upstream: 'a.io', preload: null }, null, { garbageCollection: { maxSize: {} } }];
  assert.deepEqual(addedFields(registryConfigSchema, { caches }), [
    'caches[0].preload',
    'caches[2].garbageCollection.maxSize',
  ]);
});

test('a document of any other form has none', () => {
  for (const document of [
    undefined,
    null,
    'preload',
    7,
    [],
    { caches: { preload: [] } },
    { caches: ['preload'] },
    { preload: [], toString: 1 },
    { caches: [{ Preload: [], garbageCollection: 'maxSize' }] },
  ])
    assert.deepEqual(addedFields(registryConfigSchema, document), []);
});

test('the names of a map are in the order of the schema', () => {
  assert.deepEqual(addedNames(registryConfigSchema), ['registryConfigReplication']);
  assert.deepEqual(addedNames(registryConfigSchema.shape.caches), [
    'authentication',
    'freshness',
    'credentials',
    'provider',
    'caBundleSecretReferenceName',
    'preload',
  ]);
});
