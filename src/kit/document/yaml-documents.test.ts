import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { yamlDocuments } from './yaml-documents.ts';
import { readYamlText } from './yaml-text.ts';

test('each document of a text is read alone, with the lines of the whole', () => {
  const text = '# list\n---\na: 1\n---\n# nothing\n---\nb: |\n  x\n   ---\n--- # c\nc: [\n';
  const documents = yamlDocuments(text);
  assert.deepEqual(
    documents.slice(0, 2).map((one) => readYamlText(one).value),
    [{ a: 1 }, { b: 'x\n ---\n' }],
  );
  assert.match(readYamlText(documents[2] ?? '').problems[0]?.text ?? '', /^line 12, /);
  assert.deepEqual(yamlDocuments(''), ['']);
});

test('any values are read back from documents one after the other', () => {
  const value = fc.dictionary(
    fc.string({ minLength: 1 }),
    fc.oneof(fc.string(), fc.integer(), fc.boolean()),
    {
      minKeys: 1,
      noNullPrototype: true,
    },
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
      const text = values.map((one) => `---\n${stringify(one)}`).join('');
      const whole = parseAllDocuments(text) as { toJS(): unknown }[];
      const alone = yamlDocuments(text).map((one) =>
        (parseAllDocuments(one) as { toJS(): unknown }[]).at(-1)?.toJS(),
      );
      assert.deepEqual(
        alone,
        whole.map((one) => one.toJS()),
      );
    }),
  );
});
