import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('the kit imports Node, itself and, in its tests, fast-check, but nothing of src', () => {
  const root = import.meta.dirname;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  assert.ok(files.length > 20, `only ${files.length} files found`);
  for (const file of files) {
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export|\}) .*from '(.+)';$/gm,
    )) {
      const own = specifier.startsWith('./') || (file.includes('/') && /^\.\.\/[^.]/.test(specifier));
      const allowed =
        own || specifier.startsWith('node:') || (specifier === 'fast-check' && file.endsWith('.test.ts'));
      assert.ok(allowed, `${file} imports ${specifier}`);
    }
  }
});
