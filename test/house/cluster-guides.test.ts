import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { problemsText } from '../../src/kit/document/field-problem.ts';
import { parseConfig } from '../../src/api/parse-config.ts';
import { REASONS } from '../../src/api/status/reasons.ts';
import { docSteps } from '../kit/index.ts';

interface Applied {
  apiVersion: string;
  kind: string;
  metadata: object;
  spec: object;
}

for (const name of ['kubernetes', 'shoot']) {
  const page = readFileSync(new URL(`../../docs/guide/${name}.md`, import.meta.url), 'utf8');
  const commands = docSteps(page).flatMap((step) => step.commands);

  test(`${name}.md: every block of commands is a step that a suite can run`, () => {
    assert.equal(docSteps(page).length, [...page.matchAll(/^```(?:console|sh|bash)$/gm)].length);
  });

  test(`${name}.md: every object that the guide applies has a valid configuration`, () => {
    const objects = commands
      .map(({ text }) => /<<'EOF'\n(.*)\nEOF$/s.exec(text)?.[1])
      .filter((text) => text !== undefined)
      .map((text) => parse(text) as Applied);
    assert.ok(objects.length > 2);
    for (const { apiVersion, kind, spec } of objects) {
      const result = parseConfig(JSON.stringify({ apiVersion, kind, ...spec }));
      assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
    }
  });

  test(`${name}.md: every reason in the section Symptoms exists`, () => {
    const symptoms = page.slice(
      page.indexOf('## Symptoms'),
      page.indexOf('\n## ', page.indexOf('## Symptoms') + 1),
    );
    const named = [...symptoms.matchAll(/`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`/g)].map(([, name = '']) => name);
    assert.ok(named.length > 3);
    for (const name of named) assert.ok(Object.hasOwn(REASONS, name), name);
  });
}
