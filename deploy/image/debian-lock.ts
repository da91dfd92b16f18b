import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Architecture } from './platforms.ts';

/** One package of Debian as the image has it, by content: where it is fetched from is apt's business. */
export type DebianPackage = z.infer<typeof debianPackage>;

const debianPackage = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  architecture: z.enum(['amd64', 'arm64', 'all']),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What Node.js needs to run (libc6, libstdc++6, libgcc-s1), whom to trust, which system this is, and their licences. */
export const DEBIAN_NAMES = [
  'base-files',
  'ca-certificates',
  'gcc-12-base',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
] as const;

const LOCK_FILE = join(import.meta.dirname, 'debian.lock.json');

/** The pinned packages of one architecture. Throws when the lock lacks one of them. */
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

/** Pins these packages; those that several architectures share are written once. */
export function writeLock(packages: readonly DebianPackage[]): void {
  const byKey = new Map(packages.map((one) => [`${one.name} ${one.architecture}`, one]));
  const sorted = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  writeFileSync(LOCK_FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}
