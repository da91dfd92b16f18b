import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { fieldsIn, fieldsOf } from '../../test/api/fields.ts';
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
  describe(page.name, () => referenceTests(text, page.schema, page.parse));
}

function referenceTests(
  page: string,
  of: z.ZodType,
  parseText: (text: string) => ParseResult<unknown>,
): void {
  const schema = z.toJSONSchema(of, { io: 'input' }) as JsonSchema;

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
    const examples = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(
      ([, text = '']) => parse(text) as unknown,
    );
    assert.deepEqual(fieldsIn(examples), fieldsOf(of));
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
