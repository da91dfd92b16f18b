import { rmdirSync, statSync, unlinkSync, type Stats } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { inSlices, type Slices } from './slices.ts';

/** Names read at a time from a folder. Bounds memory for folders of any size. */
const NAMES = 256;

/** Yields the names in a folder, some at a time, while entries are removed from it. None if it does not exist or is no folder. */
export async function* namesIn(folder: string, { signal }: Pick<Slices, 'signal'>): AsyncGenerator<string[]> {
  const entries = await opendir(folder, { bufferSize: NAMES }).catch(() => undefined);
  if (entries === undefined) return;
  let names: string[] = [];
  for await (const { name } of entries) {
    signal.throwIfAborted();
    names.push(name);
    if (names.length < NAMES) continue;
    yield names;
    names = [];
  }
  yield names;
}

/** Removes a folder with everything in it. What cannot be removed stays. */
export async function removeTree(folder: string, slices: Slices): Promise<void> {
  for await (const names of namesIn(folder, slices)) {
    const folders: string[] = [];
    await inSlices(slices, names, (slice) => {
      for (const name of slice) if (!removed(`${folder}/${name}`)) folders.push(name);
    });
    for (const name of folders) await removeTree(`${folder}/${name}`, slices);
  }
  removedFolder(folder);
}

/** Removes a file, or an empty folder. False if that is not possible, as for a folder with entries. */
export function removed(path: string): boolean {
  return removedFile(path) || removedFolder(path);
}

/** True if there is no such file any more. */
export function removedFile(path: string): boolean {
  return isGone(() => unlinkSync(path));
}

/** True if there is no such folder any more. One with entries stays. */
export function removedFolder(path: string): boolean {
  return isGone(() => rmdirSync(path));
}

/** Undefined also for a file that cannot be looked at. */
export function fileAt(path: string): Stats | undefined {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() === true ? file : undefined;
  } catch {
    return undefined;
  }
}

function isGone(remove: () => void): boolean {
  try {
    remove();
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
