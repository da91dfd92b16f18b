import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { fieldsIn, fieldsOf } from '../../../test/api/fields.ts';
import { validRegistryConfig } from '../../../test/api/registry-configs.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import type { RegistryConfig } from './effective.ts';
import { parseRegistryConfig } from './parse.ts';
import { printRegistryConfig } from './print.ts';
import { API_VERSION, KIND, registryConfigSchema } from './schema.ts';

function read(document: unknown): RegistryConfig {
  const result = parseRegistryConfig(document);
  assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
  return result.config;
}

test('the effective configuration is printed with every default', () => {
  const config = read({
    apiVersion: API_VERSION,
    kind: KIND,
    caches: [{ upstream: 'ghcr.io', secretReferenceName: 'creds', garbageCollection: { maxSize: '50Gi' } }],
  });
  assert.equal(
    printRegistryConfig(config),
    `apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryConfig
caches:
  - upstream: ghcr.io
    remoteURL: https://ghcr.io
    secretReferenceName: creds
    credentials: []
    authentication:
      mode: Shared
      realm: Upstream
      proofLifetime: 5m0s
      outageGrace: 0s
    freshness:
      tagTTL: 30s
      staleIfError: 24h0m0s
    garbageCollection:
      ttl: 0s
      maxSize: 50Gi
    preload: []
    proxy: {}
    volume:
      size: 10Gi
    http:
      tls: true
    highAvailability:
      enabled: false
registryConfigReplication:
  enabled: false
`,
  );
});

test('a printed configuration is read back as the same configuration', () => {
  fc.assert(
    fc.property(validRegistryConfig, (document) => {
      const config = read(document);
      assert.deepEqual(read(printRegistryConfig(config)), config);
    }),
  );
});

test('every field of the schema is printed', () => {
  const documents = fc.sample(validRegistryConfig, { seed: 1, numRuns: 200 });
  const fields = fieldsOf(registryConfigSchema);
  assert.deepEqual(fieldsIn(documents), fields, 'the documents of this test have every field');
  assert.deepEqual(fieldsIn(documents.map((document) => parse(printRegistryConfig(read(document))))), fields);
});
