import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LarderError, errorText } from '../../kit/errors.ts';
import { digestAlgorithm, digestHex, isDigest, type Digest } from '../../oci/digest.ts';

/** Paths below the store's directory. */
export interface Layout {
  readonly directory: string;
  readonly blobs: string;
  readonly spool: string;
  readonly quarantine: string;
  readonly documents: string;
  /** Rest of an adopted registry of the Distribution project: many small files, which are being removed. */
  readonly adopted: string;
  readonly index: string;
  readonly lock: string;
  /** `blobs/<algorithm>/<first two>/<hex>`. */
  blob(digest: Digest): string;
  /** Folder of {@link Layout.blob}. */
  blobFolder(digest: Digest): string;
}

/** Paths of a store in `directory`. Touches nothing on disk. */
export function layoutOf(directory: string): Layout {
  const blobs = join(directory, 'blobs');
  const blobFolder = (digest: Digest) =>
    `${blobs}/${digestAlgorithm(digest)}/${digestHex(digest).slice(0, 2)}`;
  return {
    directory,
    blobs,
    spool: join(directory, 'spool'),
    quarantine: join(directory, 'quarantine'),
    documents: join(directory, 'documents'),
    adopted: join(directory, 'docker.adopted'),
    index: join(directory, 'index.sqlite'),
    lock: join(directory, 'lock.sqlite'),
    blobFolder,
    blob: (digest) => `${blobFolder(digest)}/${digestHex(digest)}`,
  };
}

/** Paths of everything that a store has in its directory, the index last: the rest can be removed while the index is there. */
export function pathsOf(layout: Layout): string[] {
  const { directory, blobs, spool, quarantine, documents, adopted, index, lock } = layout;
  const ofIndex = ['', '-wal', '-shm', '-journal', '.broken'].map((suffix) => index + suffix);
  return [blobs, spool, quarantine, documents, adopted, join(directory, CACHE_TAG_NAME), ...ofIndex, lock];
}

/** Creates the folders. Throws `STORE_UNUSABLE` with one sentence if the directory cannot be created or written. */
export async function prepareDirectory(layout: Layout): Promise<void> {
  const { directory } = layout;
  try {
    await makeDirectory(directory);
    if (!(await stat(directory)).isDirectory()) throw new Error('it is not a directory');
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const folder of [layout.blobs, layout.spool, layout.quarantine]) {
      await mkdir(folder, { recursive: true });
    }
    await writeFile(join(directory, CACHE_TAG_NAME), CACHE_TAG, { flag: 'wx' }).catch(() => undefined);
  } catch (error) {
    throw new LarderError('STORE_UNUSABLE', `store ${directory} cannot be used: ${errorText(error)}`, {
      hint: 'name a directory that this user may create and write with --store',
      cause: error,
    });
  }
}

/**
 * Creates the directory with its parents. Does not use `recursive`: Node 24 never returns from it if the file system refuses with ENOENT,
 * as `/proc` does.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}

/** Makes backup programs skip the directory (https://bford.info/cachedir/). */
const CACHE_TAG_NAME = 'CACHEDIR.TAG';
const CACHE_TAG = `Signature: 8a477f597d28d172789f06886806bc55
# This directory holds the cache of Larder and can be deleted while Larder is stopped.
`;

/** Longest name of a spool. Most file systems take 255 bytes, and {@link sumLogPath} adds a prefix. */
const NAME_LIMIT = 240;

/**
 * Name of the spool file of one upstream and digest: `<algorithm>-<hex>.<upstream>`. By this name the next fill finds the partial body of
 * the last one. A fill never resumes with bytes of another upstream: they prove nothing for this one (threat T2).
 */
export function spoolName(digest: Digest, upstream: string): string {
  const name = `${digest.replace(':', '-')}.${encodeURIComponent(upstream)}`;
  if (name.length <= NAME_LIMIT) return name;
  return `${digest.replace(':', '-')}.${createHash('sha256').update(upstream).digest('hex')}`;
}

/** Path of the sums of a spool, until it becomes content; see `sum-log.ts`. */
export function sumLogPath(spool: string): string {
  return join(dirname(spool), `${SUMS_PREFIX}${basename(spool)}`);
}

/** Name of the spool whose sums are in the file of this name; undefined for any other file. */
export function spoolOfSumLog(name: string): string | undefined {
  return name.startsWith(SUMS_PREFIX) ? name.slice(SUMS_PREFIX.length) : undefined;
}

const SUMS_PREFIX = 'sums-';

/** Reads a {@link spoolName}; undefined for any other file. */
export function parseSpoolName(name: string): { digest: Digest; upstream: string } | undefined {
  const match = /^(sha256|sha512)-([a-f0-9]+)\.([A-Za-z0-9%!~*'()._-]+)$/.exec(name);
  const digest = `${match?.[1]}:${match?.[2]}`;
  if (match?.[3] === undefined || !isDigest(digest)) return undefined;
  try {
    return { digest, upstream: decodeURIComponent(match[3]) };
  } catch {
    return undefined;
  }
}
