import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debName } from './apt.ts';
import type { DebianPackage } from './debian-lock.ts';
import { filesBelow } from './file-tree.ts';
import { run } from './run.ts';
import type { TarEntry } from './tar.ts';

/** Shared objects, what the system is called, licences. No programs, locales, character sets (`gconv`) or manuals. */
const KEPT = [
  /^(?:usr\/)?lib(?:64)?\/(?:[a-z0-9_]+-linux-gnu\/)?[^/]+\.so[.\d]*$/,
  /^(?:etc|usr\/lib)\/os-release$/,
  /^etc\/debian_version$/,
  /^usr\/share\/common-licenses\//,
  /^usr\/share\/doc\/[^/]+(?:\/copyright)?$/,
];

const AUTHORITY = /^usr\/share\/ca-certificates\/.+\.crt$/;

/**
 * What the image has of the packages in `directory`. No script of a package is run: the one that matters, which gathers
 * the certificate authorities, is done here the way it does it. Each package leaves its control file where scanners
 * look for packages of an image without dpkg.
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

/** All of them in one file, in the order of their names, as `update-ca-certificates` writes it. */
function authoritiesFile(authorities: readonly TarEntry[]): TarEntry {
  if (authorities.length === 0) throw new Error('ca-certificates has no certificates where they used to be');
  const certificates = authorities
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ content = new Uint8Array() }) => `${Buffer.from(content).toString('ascii').trimEnd()}\n`);
  return { name: 'etc/ssl/certs/ca-certificates.crt', content: Buffer.from(certificates.join('')) };
}
