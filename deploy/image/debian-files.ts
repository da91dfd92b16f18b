import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debName } from './apt.ts';
import type { DebianPackage } from './debian-lock.ts';
import { filesBelow } from './file-tree.ts';
import { run } from './run.ts';
import type { TarEntry } from './tar.ts';

/** Shared objects, the name of the system, licences. No programs, locales, character sets (`gconv`) or manuals. */
const KEPT = [
  /^(?:usr\/)?lib(?:64)?\/(?:[a-z0-9_]+-linux-gnu\/)?[^/]+\.so[.\d]*$/,
  /^(?:etc|usr\/lib)\/os-release$/,
  /^etc\/debian_version$/,
  /^usr\/share\/common-licenses\//,
  /^usr\/share\/doc\/[^/]+(?:\/copyright)?$/,
];

const AUTHORITY = /^usr\/share\/ca-certificates\/.+\.crt$/;

/**
 * Selects the image's files from the packages in `directory`. Runs no script of a package: the one script that matters gathers the
 * certificate authorities, and this function does the same. Stores each package's control file where scanners look for packages of an
 * image without dpkg.
 */
export async function debianFiles(
  packages: readonly DebianPackage[],
  directory: string,
): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const authorities: TarEntry[] = [];
  for (const one of packages) {
    const deb = join(directory, debName(one));
    await using unpacked = await mkdtempDisposable(join(tmpdir(), 'larder-deb-'));
    await run('dpkg-deb', ['--extract', deb, unpacked.path]);
    entries.push(...filesBelow(unpacked.path, (name) => KEPT.some((pattern) => pattern.test(name))));
    authorities.push(...filesBelow(unpacked.path, (name) => AUTHORITY.test(name)));
    entries.push({
      name: `var/lib/dpkg/status.d/${one.name}`,
      content: Buffer.from(await run('dpkg-deb', ['--field', deb])),
    });
  }
  return [...entries, authoritiesFile(authorities)];
}

/** Writes all authorities into one file in the order of their names, as `update-ca-certificates` does. */
function authoritiesFile(authorities: readonly TarEntry[]): TarEntry {
  if (authorities.length === 0) throw new Error('ca-certificates has no certificates at the expected path');
  const certificates = authorities
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ content = new Uint8Array() }) => `${Buffer.from(content).toString('ascii').trimEnd()}\n`);
  return { name: 'etc/ssl/certs/ca-certificates.crt', content: Buffer.from(certificates.join('')) };
}
