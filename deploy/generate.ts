/** `npm run generate`: writes the files that are generated from the source. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED_FILES } from './generated-files.ts';

for (const { name, text } of GENERATED_FILES) {
  writeFileSync(new URL(name, import.meta.url), text);
  console.log(join('deploy', name));
}
