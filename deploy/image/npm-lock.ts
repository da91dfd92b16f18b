import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** npm package as `package-lock.json` pins it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Subresource Integrity, `sha512-<base64>`. */
  readonly integrity: string;
}

export const ROOT = join(import.meta.dirname, '../..');

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      integrity: z.string().optional(),
    }),
  ),
});

/** Returns a function that finds the package at a path of the lock, such as `node_modules/a/node_modules/b`, and throws if there is none. */
export function createNpmLock(): (path: string) => NpmPackage {
  const { packages } = lockfile.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')));
  return (path) => {
    const { version, license = 'NOASSERTION', integrity } = packages[path] ?? {};
    if (version === undefined || integrity === undefined)
      throw new Error(`package-lock.json pins no ${path}; run: npm ci`);
    return { name: path.slice(path.lastIndexOf('node_modules/') + 13), version, license, integrity };
  };
}
