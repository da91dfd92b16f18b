import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { problemsText } from '../../src/kit/document/field-problem.ts';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';

const root = join(import.meta.dirname, '../..');
const guides = readdirSync(join(root, 'docs/guide')).map((name) => `docs/guide/${name}`);

/**
 * Configurations of the pages. A user can copy each into a file and serve it; `larder validate` reads it in the same way. Other YAML, such
 * as values of a chart, has none of the first keys of a configuration.
 */
const examples = ['README.md', ...guides].flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)]
    .map(([, text = '']) => ({ page, text }))
    .filter(({ text }) => /^(?:apiVersion|kind|caches):/m.test(text)),
);

test('every configuration in the README and the guides is a complete, valid document', () => {
  assert.ok(examples.length > 0);
  for (const { page, text } of examples) {
    const result = parseRegistryConfig(text);
    assert.ok(result.ok, `${page}: ${result.ok ? '' : problemsText(result.problems)}`);
  }
});
