/** `npm run generate:install`: renders the chart into manifests. Needs the part helm. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHelm } from '../test/cluster/helm.ts';
import { tempDir } from '../test/kit/index.ts';
import { renderManifests } from './manifests.ts';

using home = tempDir();
for (const { name, text } of await renderManifests(createHelm({ home: home.path }))) {
  writeFileSync(new URL(name, import.meta.url), text);
  console.log(join('deploy', name));
}
