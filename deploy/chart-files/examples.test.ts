import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/api/parse-config.ts';
import { problemsText } from '../../src/kit/document/field-problem.ts';
import { EXAMPLES } from './examples.ts';

for (const { apiVersion, kind, spec } of EXAMPLES) {
  test(`the example of ${kind} is valid`, () => {
    const result = parseConfig(JSON.stringify({ apiVersion, kind, ...spec }));
    assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
  });
}
