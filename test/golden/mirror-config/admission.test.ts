import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { cachedAndMirroredProblems } from '../../../src/api/rules/cached-and-mirrored.ts';
import { problemsText } from '../../../src/kit/document/field-problem.ts';
import { parseMirrorConfig } from '../../../src/api/mirror-config/parse.ts';
import { goText } from '../go-text.ts';

interface RecordedCase {
  name: string;
  cached?: string[];
  mirrors?: { upstream: string }[];
  document?: unknown;
  message?: string;
}

const cases = parse(readFileSync(new URL('admission.yaml', import.meta.url), 'utf8')) as RecordedCase[];
const PREFIX = 'spec.extensions[0].providerConfig';
const TYPE = { apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1', kind: 'MirrorConfig' };

/** Larder's own messages for cases in which the extension names Go types or source positions. */
const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  [
    'mdecode-caches-config',
    `${PREFIX}.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v1alpha3": ` +
      'supported values: "mirror.extensions.gardener.cloud/v1alpha1"\n' +
      `${PREFIX}.kind: Unsupported value: "RegistryConfig": supported values: "MirrorConfig"`,
  ],
  [
    'mdecode-capabilities-string',
    `${PREFIX}.mirrors[0].hosts[0].capabilities: must be a list, found a string`,
  ],
  [
    'mdecode-group-registry',
    `${PREFIX}.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v1alpha3": ` +
      'supported values: "mirror.extensions.gardener.cloud/v1alpha1"',
  ],
  [
    'mdecode-kind-registry',
    `${PREFIX}.kind: Unsupported value: "RegistryConfig": supported values: "MirrorConfig"`,
  ],
  ['mdecode-mirrors-map', `${PREFIX}.mirrors: must be a list, found a map`],
  ['provider-config-list', `${PREFIX}: expected a MirrorConfig document, found a list`],
  ['provider-config-string', `${PREFIX}: expected a MirrorConfig document, found a string`],
]);

for (const { name, cached, mirrors, document, message } of cases) {
  test(`answers ${name} as the Gardener extension does`, () => {
    const result = parseMirrorConfig(document ?? { ...TYPE, mirrors }, { pathPrefix: PREFIX });
    const overlap = cached === undefined ? [] : cachedAndMirroredProblems(mirrors ?? [], cached, PREFIX);
    const problems = [...(result.ok ? [] : result.problems), ...overlap];
    if (message === undefined) assert.deepEqual(problems, []);
    else if (OWN_WORDS.has(name)) assert.equal(problemsText(problems), OWN_WORDS.get(name));
    else assert.equal(goText(problems), message);
  });
}

test('the recording is complete, and only messages with Go types or source positions have other words', () => {
  assert.equal(cases.length, 64);
  const goOnly = cases.filter(({ message }) =>
    /Go (struct|value)|in scheme|unknown conversion/.test(message ?? ''),
  );
  assert.deepEqual(goOnly.map(({ name }) => name).sort(), [...OWN_WORDS.keys()].sort());
});
