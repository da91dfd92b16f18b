import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { fieldsIn, fieldsOf } from '../../../test/api/fields.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import type { MirrorConfig } from './effective.ts';
import { parseMirrorConfig } from './parse.ts';
import { printMirrorConfig } from './print.ts';
import { MIRROR_API_VERSION, MIRROR_CAPABILITIES, MIRROR_KIND, mirrorConfigSchema } from './schema.ts';

const host = fc.record(
  {
    host: fc.constantFrom('https://m.io', 'http://n.io:5000/v2/x', 'https://o.io/'),
    capabilities: fc.uniqueArray(fc.constantFrom(...MIRROR_CAPABILITIES)),
    caBundleSecretReferenceName: fc.constantFrom('ca', 'other-ca'),
    overridePath: fc.boolean(),
  },
  { requiredKeys: ['host'] },
);
const hosts = fc.uniqueArray(host, { minLength: 1, selector: ({ host: url }) => url });
const mirror = fc.record({ upstream: fc.constantFrom('a.io', 'b.io:5000', '10.0.0.1'), hosts });
const validMirrorConfig = fc.record(
  {
    apiVersion: fc.constant(MIRROR_API_VERSION),
    kind: fc.constant(MIRROR_KIND),
    mirrors: fc.uniqueArray(mirror, { minLength: 1, selector: ({ upstream }) => upstream }),
  },
  { requiredKeys: ['apiVersion', 'mirrors'] },
);

function read(document: unknown): MirrorConfig {
  const result = parseMirrorConfig(document);
  assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
  return result.config;
}

test('a printed configuration is read back as the same configuration', () => {
  fc.assert(
    fc.property(validMirrorConfig, (document) => {
      const config = read(document);
      assert.deepEqual(read(printMirrorConfig(config)), config);
    }),
  );
});

test('every field of the schema is printed', () => {
  const documents = fc.sample(validMirrorConfig, { seed: 1, numRuns: 200 });
  const fields = fieldsOf(mirrorConfigSchema);
  assert.deepEqual(fieldsIn(documents), fields, 'the documents of this test have every field');
  assert.deepEqual(fieldsIn(documents.map((document) => parse(printMirrorConfig(read(document))))), fields);
});
