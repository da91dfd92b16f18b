import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import {
  boolean,
  duration,
  entryMap,
  listOf,
  maybe,
  quantity,
  strictMap,
  string,
  text,
} from '../document/schema-fields.ts';
import { MIRROR_CONFIG_CRD } from './mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from './registry-config-crd.ts';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';

describe('a structural schema', () => {
  test('follows from the building blocks of documents', () => {
    const schema = strictMap({
      names: listOf(text()).meta({ description: 'Some names.' }),
      color: maybe(z.enum(['red', 'green']).prefault('red')),
      count: z.int().min(0),
      note: maybe(string().optional()),
    }).meta({ description: 'A thing.' });
    assert.deepEqual(structuralSchema(schema), {
      description: 'A thing.',
      type: 'object',
      properties: {
        names: { description: 'Some names.', type: 'array', items: { type: 'string' } },
        color: { type: 'string', enum: ['red', 'green'], default: 'red' },
        count: { type: 'integer', minimum: 0 },
        note: { type: 'string' },
      },
      required: ['count'],
    });
  });

  test('takes a quantity as text and as a number', () => {
    assert.deepEqual(
      structuralSchema(strictMap({ size: maybe(quantity().optional()) })).properties?.['size'],
      {
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        'x-kubernetes-int-or-string': true,
      },
    );
  });

  test('has the default of a map beside those of its fields, completed by them', () => {
    const inner = strictMap({ on: maybe(boolean().prefault(false)), ttl: duration('0s') });
    const schema = structuralSchema(
      strictMap({ gc: maybe(inner.prefault({ ttl: '168h' })), other: maybe(inner.prefault({})) }),
    );
    assert.deepEqual(schema.properties?.['gc']?.default, { on: false, ttl: '168h' });
    assert.equal(schema.properties?.['gc']?.properties?.['ttl']?.default, '0s');
    assert.deepEqual(schema.properties?.['other']?.default, { on: false, ttl: '0s' });
  });

  test('has no default for a map or list that is empty by default', () => {
    const schema = structuralSchema(
      strictMap({ proxy: maybe(strictMap({ http: maybe(string().optional()) }).prefault({})) }),
    );
    assert.equal('default' in (schema.properties?.['proxy'] ?? {}), false);
  });

  test('takes additions by path, and none for a field that does not exist', () => {
    const schema = strictMap({ list: listOf(entryMap({ name: text() })) });
    const additions = {
      '': { 'x-kubernetes-validations': [] },
      list: { maxItems: 2 },
      'list[]': { 'x-kubernetes-list-type': 'atomic' as const },
      'list[].name': { maxLength: 3 },
    };
    const found = structuralSchema(schema, additions);
    assert.deepEqual(found['x-kubernetes-validations'], []);
    assert.equal(found.properties?.['list']?.maxItems, 2);
    assert.equal(found.properties?.['list']?.items?.properties?.['name']?.maxLength, 3);
    assert.throws(() => structuralSchema(schema, { 'list[].nmae': {} }), /do not exist: list\[\]\.nmae/);
  });
});

for (const crd of [REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD]) {
  describe(crd.metadata.name, () => {
    const root = crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
    const nodes = [...walk(root, '')];

    test('has a type for each field, as Kubernetes requires of a structural schema', () => {
      const untyped = nodes.filter(
        ([, { type, ...rest }]) => type === undefined && !rest['x-kubernetes-int-or-string'],
      );
      assert.deepEqual(untyped, []);
    });

    test('describes each field of spec and status in sentences', () => {
      for (const [path, { description = '' }] of nodes) {
        if (path === '.metadata' || path.endsWith('[]')) continue;
        assert.match(description, /^[A-Z`].*[.?]$/s, path);
      }
    });

    test('bounds the cost of rules: each text and list of the spec has a limit, except enumerations', () => {
      const unbounded = nodes.filter(
        ([path, { type, enum: values, maxLength, maxItems }]) =>
          path.startsWith('.spec.') &&
          ((type === 'string' && values === undefined && maxLength === undefined) ||
            (type === 'array' && maxItems === undefined)),
      );
      assert.deepEqual(
        unbounded.map(([path]) => path),
        [],
      );
    });

    test('says how lists are merged, and requires the keys of those that are maps', () => {
      for (const [path, { type, items, ...rest }] of nodes) {
        if (type !== 'array') continue;
        assert.ok(rest['x-kubernetes-list-type'] !== undefined, path);
        for (const key of rest['x-kubernetes-list-map-keys'] ?? []) {
          assert.ok(items?.required?.includes(key), `${path}: ${key}`);
        }
      }
    });

    test('has the columns Ready, Reason and Degraded first, and the age last', () => {
      const columns = crd.spec.versions[0]?.additionalPrinterColumns ?? [];
      assert.deepEqual(
        columns.slice(0, 3).map(({ name }) => name),
        ['Ready', 'Reason', 'Degraded'],
      );
      assert.equal(columns.at(-1)?.name, 'Age');
    });
  });
}

function* walk(node: StructuralSchema, path: string): Generator<[string, StructuralSchema]> {
  yield [path, node];
  for (const [name, field] of Object.entries(node.properties ?? {})) yield* walk(field, `${path}.${name}`);
  if (node.items !== undefined) yield* walk(node.items, `${path}[]`);
}
