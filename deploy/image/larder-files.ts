import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENTRY, type Bundle } from './bundle.ts';
import { ROOT, type NpmPackage } from './npm-lock.ts';
import type { TarEntry } from './tar.ts';

/** As deep below `package.json` as the sources are: the program reads its version there. */
const BUNDLE = 'usr/lib/larder/bundle/cli';

/** Lists Larder's own files in an image: `/usr/bin/larder`, the files that it loads, and the licences of everything in them. */
export function larderFiles(
  { files, packages }: Bundle,
  version: string,
  pinned: (path: string) => NpmPackage,
): TarEntry[] {
  const manifest = { name: 'larder', version, type: 'module' };
  const licences = packages.map((path) => {
    const { name, version: its, license } = pinned(path);
    return `${name} ${its} (${license})\n\n${licenceText(join(ROOT, path))}\n`;
  });
  return [
    { name: 'usr/bin/larder', mode: 0o777, linkTo: `../../${BUNDLE}/${ENTRY}` },
    { name: 'usr/lib/larder/package.json', content: Buffer.from(JSON.stringify(manifest)) },
    ...[...files].map(([name, content]) => ({
      name: `${BUNDLE}/${name}`,
      mode: name === ENTRY ? 0o755 : 0o644,
      content,
    })),
    { name: 'usr/share/doc/larder/LICENSE', content: readFileSync(join(ROOT, 'LICENSE')) },
    {
      name: 'usr/share/doc/larder/third-party-licenses.txt',
      content: Buffer.from(licences.join(`${'-'.repeat(80)}\n`)),
    },
  ];
}

/** Reads the licence files of an installed package. Some packages have only the name of their licence in package.json. */
function licenceText(directory: string): string {
  return readdirSync(directory)
    .filter((name) => /^(?:licen[cs]e|notice|copying)/i.test(name))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('\n');
}
