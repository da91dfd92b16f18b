import { statSync, type Dirent, type Stats } from 'node:fs';
import { opendir, readdir, rmdir, unlink } from 'node:fs/promises';

/** Entries read at a time from a folder. Bounds memory for folders of any size. */
const PAGE = 256;

/**
 * Yields the entries of a folder in pages. None if it does not exist or is no folder. Rejects with the signal's reason when it aborts, and if
 * the folder cannot be read: its entries must not look like entries that are not there.
 */
export async function* entriesOf(folder: string, signal: AbortSignal): AsyncGenerator<Dirent[]> {
  const entries = await opendir(folder, { bufferSize: PAGE }).catch(ifAbsent(undefined));
  if (entries === undefined) return;
  let page: Dirent[] = [];
  for await (const entry of entries) {
    signal.throwIfAborted();
    page.push(entry);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  yield page;
}

/**
 * Removes a folder with everything in it, one entry after the other, without blocking the event loop: on a busy disk one removal takes a
 * millisecond. What cannot be removed stays.
 */
export async function removeTree(folder: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const page of entriesOf(folder, signal)) {
      for (const entry of page) {
        const path = `${folder}/${entry.name}`;
        if (entry.isDirectory()) await removeTree(path, signal);
        else await unlink(path).catch(() => undefined);
      }
    }
    await rmdir(folder);
  } catch {
    signal.throwIfAborted();
  }
}

/** Names in a folder. None if it does not exist or is no folder; rejects if it cannot be read. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(ifAbsent<string[]>([]));
}

/** Undefined if there is no file, or something else; throws if that cannot be looked at. */
export function fileAt(path: string): Stats | undefined {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() === true ? file : undefined;
  } catch (error) {
    return ifAbsent(undefined)(error);
  }
}

/** Answers an error that says that there is nothing at a path, a circle of symbolic links included. Throws any other. */
export function ifAbsent<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return otherwise;
    throw error;
  };
}

/** For iterations over folders of which one that cannot be read must not look like an empty one. */
export function rethrow(error: unknown): never {
  throw error;
}
