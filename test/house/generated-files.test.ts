import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { GENERATED_FILES } from '../../deploy/generated-files.ts';

const deploy = join(import.meta.dirname, '../../deploy');

for (const { name, text } of GENERATED_FILES) {
  test(`${join('deploy', name)} is as \`npm run generate\` writes it`, () => {
    assert.equal(readFileSync(join(deploy, name), 'utf8'), text);
  });
}

for (const directory of ['crds', 'charts/larder/templates/crds', 'gardener']) {
  test(`deploy/${directory} holds generated files only`, () => {
    assert.deepEqual(
      readdirSync(join(deploy, directory)).map((name) => join(directory, name)),
      GENERATED_FILES.map(({ name }) => name)
        .filter((name) => dirname(name) === directory)
        .sort(),
    );
  });
}
