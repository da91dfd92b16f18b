import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { problemsText } from '../kit/document/field-problem.ts';
import { mirrorConfigSchema } from './mirror-config/schema.ts';
import { parseMirrorConfig } from './mirror-config/parse.ts';
import type { ParseResult } from './document/parse-document.ts';
import { registryConfigSchema } from './registry-config/schema.ts';
import { parseRegistryConfig } from './registry-config/parse.ts';

interface JsonSchema {
  type?: string | string[];
  enum?: string[];
  default?: unknown;
  description?: string;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

const PAGES = [
  { name: 'configuration.md', schema: registryConfigSchema, parse: parseRegistryConfig },
  { name: 'mirror-configuration.md', schema: mirrorConfigSchema, parse: parseMirrorConfig },
];

for (const page of PAGES) {
  const text = readFileSync(new URL(`../../docs/reference/${page.name}`, import.meta.url), 'utf8');
  const schema = z.toJSONSchema(page.schema, { io: 'input' }) as JsonSchema;
  describe(page.name, () => referenceTests(text, schema, page.parse));
}

function referenceTests(
  page: string,
  schema: JsonSchema,
  parseText: (text: string) => ParseResult<unknown>,
): void {
  test('the reference has one row for each field of the schema, and no others', () => {
    const lines = page.split('\n').filter((line) => line.startsWith('| `'));
    const rows = lines.map((line) => line.replaceAll(/ +\|/g, ' |'));
    assert.deepEqual(rows, [...fieldRows(schema, '')]);
  });

  test('every example of the reference is accepted', () => {
    const examples = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(([, text]) => String(text));
    assert.ok(examples.length > 0);
    for (const text of examples) {
      const result = parseText(text);
      assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
    }
  });

  test('the examples together show every field', () => {
    const shown = new Set<string>();
    for (const [, text = ''] of page.matchAll(/```yaml\n([^`]*)```/g)) collectPaths(parse(text), '', shown);
    const fields = [...fieldRows(schema, '')].map((row) => row.slice(3, row.indexOf('`', 3)));
    assert.deepEqual(
      fields.filter((field) => !shown.has(field)),
      [],
    );
  });
}

/** `| path | type | default | meaning |`, in the order of the schema. */
function* fieldRows(of: JsonSchema, prefix: string): Generator<string> {
  for (const [name, field] of Object.entries(of.properties ?? {})) {
    const entry = field.items?.properties === undefined ? field : field.items;
    const path = prefix + name;
    const necessity = of.required?.includes(name) === true ? 'required' : defaultText(field.default);
    yield `| \`${path}\` | ${typeText(field)} | ${necessity} | ${field.description} |`.replace('|  |', '| |');
    yield* fieldRows(entry, `${path}${field.items === undefined ? '' : '[]'}.`);
  }
}

function typeText(field: JsonSchema): string {
  if (field.enum !== undefined) return field.enum.map((value) => `\`${value}\``).join(', ');
  if (Array.isArray(field.type)) return 'quantity';
  if (field.type === 'array') return field.items?.type === 'string' ? 'list of strings' : 'list';
  if (field.type === 'object') return 'map';
  if (field.type === 'string' && typeof field.default === 'string' && /^\d+[smh]$/.test(field.default))
    return 'duration';
  return String(field.type);
}

function defaultText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === undefined || text === '{}' || text === '[]' ? '' : `\`${text}\``;
}

function collectPaths(value: unknown, prefix: string, paths: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collectPaths(item, `${prefix}[]`, paths);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, below] of Object.entries(value)) {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      paths.add(path);
      collectPaths(below, path, paths);
    }
  }
}
