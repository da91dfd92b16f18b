import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { MIRROR_CONFIG_CRD } from '../../src/api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../../src/api/crd/registry-config-crd.ts';
import { problemsText } from '../../src/kit/document/field-problem.ts';
import { parseConfig } from '../../src/api/parse-config.ts';
import { readPage } from './markdown.ts';

const page = readPage('custom-resources.md');

interface Example {
  apiVersion: string;
  kind: string;
  metadata: object;
  spec: object;
}

test('the page has an example of each kind with a valid spec', () => {
  const examples = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(([, text = '']) => parse(text) as Example);
  assert.deepEqual(
    examples.map(({ kind }) => kind),
    [REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD].map((crd) => crd.spec.names.kind),
  );
  for (const { apiVersion, kind, spec } of examples) {
    const result = parseConfig(JSON.stringify({ apiVersion, kind, ...spec }));
    assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
  }
});

test('the page shows the columns of kubectl get', () => {
  const columns = REGISTRY_CONFIG_CRD.spec.versions[0]?.additionalPrinterColumns ?? [];
  const shown = columns.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name.toUpperCase());
  assert.deepEqual(/^NAME .*$/m.exec(page)?.[0].split(/ +/), ['NAME', ...shown]);
});
