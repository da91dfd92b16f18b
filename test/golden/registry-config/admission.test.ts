import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { problemsText } from '../../../src/kit/document/field-problem.ts';
import { parseRegistryConfig } from '../../../src/api/registry-config/parse.ts';
import { goText } from '../go-text.ts';

interface RecordedCase {
  name: string;
  caches?: unknown;
  document?: unknown;
  message?: string;
}

const cases = parse(readFileSync(new URL('admission.yaml', import.meta.url), 'utf8')) as RecordedCase[];
const PREFIX = 'spec.extensions[0].providerConfig';

/** Larder's own messages for cases in which the extension names Go types or source positions. */
const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  ['decode-entry-string', `${PREFIX}.caches[0]: must be a map, found a string`],
  ['decode-ha-string', `${PREFIX}.caches[0].highAvailability.enabled: must be true or false, found a string`],
  [
    'decode-ttl-number',
    `${PREFIX}.caches[0].garbageCollection.ttl: must be a duration such as "168h", found the number 7`,
  ],
  [
    'decode-kind-unknown',
    `${PREFIX}.kind: Unsupported value: "Foo": supported values: "RegistryConfig"`,
  ],
  [
    'decode-version-v1',
    `${PREFIX}.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v1": ` +
      'supported values: "registry.extensions.gardener.cloud/v1alpha3"',
  ],
  [
    'decode-version-v1alpha1',
    `${PREFIX}.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v1alpha1": ` +
      'supported values: "registry.extensions.gardener.cloud/v1alpha3"',
  ],
  ['provider-config-list', `${PREFIX}: expected a RegistryConfig document, found a list`],
  ['provider-config-string', `${PREFIX}: expected a RegistryConfig document, found a string`],
]);

for (const { name, caches, document, message } of cases) {
  test(`answers ${name} as the Gardener extension does`, () => {
    const input = document ?? {
      apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
      kind: 'RegistryConfig',
      caches,
    };
    const result = parseRegistryConfig(input, { pathPrefix: PREFIX });
    if (message === undefined) assert.deepEqual(result.ok ? [] : result.problems, []);
    else if (result.ok) assert.fail('accepted');
    else if (OWN_WORDS.has(name)) assert.equal(problemsText(result.problems), OWN_WORDS.get(name));
    else assert.equal(goText(result.problems), message);
  });
}

test('the recording is complete, and only messages with Go types or source positions have other words', () => {
  assert.equal(cases.length, 91);
  const goOnly = cases.filter(({ message }) => /Go (struct|value)|in scheme/.test(message ?? ''));
  assert.deepEqual(goOnly.map(({ name }) => name).sort(), [...OWN_WORDS.keys()].sort());
});
