import { link, readFile, rename, rm } from 'node:fs/promises';
import { TEMPORARY, writeSynced } from '../../kit/replace-file.ts';
import { MARKER } from './hosts-toml.ts';

/** Suffix of the second name of a file that is being replaced. */
const BEFORE = `.before${TEMPORARY}`;

/**
 * Puts `content` in the place of our file at `path`, or where there is none, and returns true. Returns false if a file of another program is there,
 * which then stays, also if that program writes at the same time: it may replace the file or write into it (Gardener's node agent does). Right
 * content keeps its time stamps. Throws on disk failures.
 */
export async function replaceOurs(path: string, content: string, mode: number): Promise<boolean> {
  if ((await textAt(path)) === content) return true;
  const [next, before] = [`${path}${TEMPORARY}`, `${path}${BEFORE}`];
  await writeSynced(next, content, mode);
  try {
    await rm(before, { force: true });
    if (!(await linked(path, before))) return await linked(next, path);
    if (!(await isOurs(before))) return false;
    await rename(next, path);
    // A write into the former file meanwhile shows under its second name.
    if (await isOurs(before)) return true;
    await rename(before, path);
    return false;
  } finally {
    await rm(before, { force: true });
    await rm(next, { force: true });
  }
}

/**
 * Removes our file at `path`, and returns true. Returns false if a file of another program is there, which then stays, like in
 * {@link replaceOurs}. Throws on disk failures.
 */
export async function removeOurs(path: string): Promise<boolean> {
  const before = `${path}${BEFORE}`;
  try {
    await rename(path, before);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  // Nobody can open it by its name any more. Who opened it to write has emptied it.
  const isRemoved = await isOurs(before);
  if (!isRemoved) await linked(before, path);
  await rm(before, { force: true });
  return isRemoved;
}

/** Gives a file a second name. False if there is no such file, or if the name is taken. */
async function linked(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
    return true;
  } catch (error) {
    if (['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** An empty file is being written by another program: ours are never empty. */
async function isOurs(path: string): Promise<boolean> {
  return (await textAt(path))?.startsWith(MARKER) === true;
}

async function textAt(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
