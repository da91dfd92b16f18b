/** Kinds of damage to the file of a stored blob: by a disk, a power cut or an administrator's hand. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../../kit/index.ts';

export interface Damage {
  readonly name: string;
  /** Damages the file at `path`; a mutual damage `partner` too, which has the same size. */
  readonly apply: (path: string, partner: string) => void;
  /** Enough of a large file stays right to repair it for less than its size. */
  readonly isPartial?: boolean;
  /** It takes two files. */
  readonly isMutual?: boolean;
  /** The very file that a program holds open is wrong: nobody can serve it whole without being wrong or noticing. */
  readonly isInPlace?: boolean;
}

const ZEROED_BYTES = 64 * 1024;

/** Changes nothing: shows that what the other cells show comes of the damage. */
export const NO_DAMAGE: Damage = { name: 'none', apply: () => {} };

const inPart = { isPartial: true, isInPlace: true };

export const DAMAGES: readonly Damage[] = [
  NO_DAMAGE,
  { name: 'flipped at the start', ...inPart, apply: (path) => flipByte(path, 0) },
  { name: 'flipped in the middle', ...inPart, apply: (path) => flipByte(path, half(path)) },
  { name: 'flipped at the end', ...inPart, apply: (path) => flipByte(path, sizeOf(path) - 1) },
  { name: 'truncated', ...inPart, apply: (path) => truncateSync(path, Math.floor((sizeOf(path) * 2) / 3)) },
  { name: 'emptied', isInPlace: true, apply: (path) => truncateSync(path, 0) },
  { name: 'grown', apply: (path) => appendFileSync(path, Buffer.alloc(1000, 0x5a)) },
  { name: 'deleted', apply: (path) => rmSync(path) },
  { name: 'zeroed in part', ...inPart, apply: (path) => zero(path, half(path), ZEROED_BYTES) },
  { name: 'zeroed', isInPlace: true, apply: (path) => zero(path, 0, sizeOf(path)) },
  { name: 'swapped', isMutual: true, apply: swap },
  { name: 'replaced', apply: (path) => replace(path) },
];

/** A damage and the files that it happens to: one, or two for a mutual damage. */
export interface Harm {
  readonly damage: Damage;
  readonly paths: readonly string[];
}

/** {@link damageAll} for one damage. */
export function damage(one: Damage, paths: readonly string[]): void {
  damageAll([{ damage: one, paths }]);
}

/**
 * Damages the first file of each harm, or both, and restores their modification times: neither size nor time gives a flipped byte away. All is
 * done when this returns.
 */
export function damageAll(harms: readonly Harm[]): void {
  using directory = tempDir();
  const times = harms
    .flatMap(({ paths }) => paths)
    .map((path, index) => ({ path, reference: join(directory.path, `${index}`) }));
  copyTimes(times.map(({ path, reference }) => [path, reference]));
  for (const { damage: one, paths } of harms) one.apply(paths[0] ?? '', paths[1] ?? '');
  copyTimes(times.filter(({ path }) => existsSync(path)).map(({ path, reference }) => [reference, path]));
}

/** Inverts the byte at `offset`. */
export function flipByte(path: string, offset: number): void {
  overwrite(path, offset, (byte) => {
    byte[0] = 0xff ^ (byte[0] ?? 0);
  });
}

/** Writes zeros from `offset` on, at most to the file's end. */
export function zero(path: string, offset: number, bytes: number): void {
  const length = Math.min(bytes, sizeOf(path) - offset);
  overwrite(path, offset, (found) => void found.fill(0), length);
}

function overwrite(path: string, offset: number, change: (bytes: Buffer) => void, length = 1): void {
  const fd = openSync(path, 'r+');
  try {
    const bytes = Buffer.alloc(length);
    readSync(fd, bytes, 0, length, offset);
    change(bytes);
    writeSync(fd, bytes, 0, length, offset);
  } finally {
    closeSync(fd);
  }
}

function swap(path: string, partner: string): void {
  renameSync(path, `${path}.swapped`);
  renameSync(partner, path);
  renameSync(`${path}.swapped`, partner);
}

function replace(path: string): void {
  writeFileSync(`${path}.replaced`, Buffer.alloc(sizeOf(path), 0xa5));
  renameSync(`${path}.replaced`, path);
}

function half(path: string): number {
  return Math.floor(sizeOf(path) / 2);
}

function sizeOf(path: string): number {
  return statSync(path).size;
}

/**
 * Gives each second file the times of the first; one that is missing is made. By `touch`, since `utimes` of Node.js knows no nanoseconds, and a
 * time that differs by some would give the damage away. One shell for all: Node.js takes 10 ms to start a process.
 */
function copyTimes(pairs: readonly (readonly [from: string, to: string])[]): void {
  execFileSync('sh', ['-ec', 'while read -r from; do read -r to; touch -r "$from" "$to"; done'], {
    input: pairs
      .flat()
      .map((path) => `${path}\n`)
      .join(''),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}
