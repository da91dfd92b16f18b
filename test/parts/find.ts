import { accessSync, constants } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PARTS, type PartName } from './parts.ts';

/** Path of a part's executable on this machine, or undefined when it is not installed in the pinned version. */
export function findPart(name: PartName): string | undefined {
  const path = partPath(name);
  return isExecutable(path) ? path : undefined;
}

/**
 * Path of a part's executable. Throws an `Error` that says how to install it when it is missing: for code that runs
 * behind {@link requireParts}, or cannot go on without.
 */
export function needPart(name: PartName): string {
  const path = findPart(name);
  if (path === undefined)
    throw new Error(`${name} is not installed; run: node test/parts/install.ts ${name}`);
  return path;
}

/**
 * Test options for a suite that needs real parts: `describe('...', requireParts(['crane']), () => { ... })`. Skips the
 * suite with a sentence when a part is missing. With `CI=true` it throws instead: there, a skipped suite would look
 * like a passed one.
 */
export function requireParts(names: readonly PartName[]): { skip: string | false } {
  const missing = [...new Set(names)].filter((name) => findPart(name) === undefined);
  if (missing.length === 0) return { skip: false };
  const sentence = `needs ${missing.join(', ')}; run: node test/parts/install.ts ${missing.join(' ')}`;
  if (process.env['CI'] === 'true') throw new Error(`This suite ${sentence}`);
  return { skip: sentence };
}

/**
 * Where a part's executable is, or will be once installed. Built parts live under `.parts/bin` of the checkout, or
 * `LARDER_PARTS`, in a directory named after their version, so that raising a version never runs the old program.
 */
export function partPath(name: PartName): string {
  const part = PARTS[name];
  if (part.source === 'debian') return part.path;
  return join(partsDirectory(), `${name}-${part.version}`, part.executable);
}

/** True when `file` exists and may be executed by this user. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The executable `name` that lies beside a part's own one, as `ctr` lies beside `containerd`. */
export function besidePart(part: PartName, name: string): string {
  return join(dirname(needPart(part)), name);
}

function partsDirectory(): string {
  return resolve(process.env['LARDER_PARTS'] ?? join(import.meta.dirname, '../../.parts/bin'));
}
