import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Architecture } from './platforms.ts';

/** Debian package in the image, pinned by content. apt chooses the server. */
export type DebianPackage = z.infer<typeof debianPackage>;

const debianPackage = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  architecture: z.enum(['amd64', 'arm64', 'all']),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Libraries that Node.js needs (libc6, libstdc++6, libgcc-s1), certificate authorities, the name of the system, and their licences. */
export const DEBIAN_NAMES = [
  'base-files',
  'ca-certificates',
  'gcc-12-base',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
] as const;

const LOCK_FILE = join(import.meta.dirname, 'debian.lock.json');

/** Lists the pinned packages of one architecture. Throws an `Error` if the lock lacks one of them. */
export function lockedPackages(architecture: Architecture): DebianPackage[] {
  const locked = z.array(debianPackage).parse(JSON.parse(readFileSync(LOCK_FILE, 'utf8')));
  return DEBIAN_NAMES.map((name) => {
    const found = locked.find(
      (one) => one.name === name && (one.architecture === architecture || one.architecture === 'all'),
    );
    if (found === undefined)
      throw new Error(`${LOCK_FILE} has no ${name} for ${architecture}; run: npm run image:lock`);
    return found;
  });
}

/** Pins these packages. A package that several architectures share is written once. */
export function writeLock(packages: readonly DebianPackage[]): void {
  const byKey = new Map(packages.map((one) => [`${one.name} ${one.architecture}`, one]));
  const sorted = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  writeFileSync(LOCK_FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}
