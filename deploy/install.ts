/** `npm run generate:install`: renders the chart into the manifests below `deploy/`. Needs the part helm. */
import { writeFileSync } from 'node:fs';
import { createHelm } from '../test/cluster/helm.ts';
import { tempDir } from '../test/kit/index.ts';
import { renderManifests } from './manifests.ts';

using home = tempDir();
for (const { name, text } of await renderManifests(createHelm({ home: home.path }))) {
  writeFileSync(new URL(name, import.meta.url), text);
  console.log(`deploy/${name}`);
}
