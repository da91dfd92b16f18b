import { open, readFile, rename } from 'node:fs/promises';

/** Suffix of files and directories that are being written or removed. */
export const TEMPORARY = '.larder-new';

/** Writes the whole file or nothing. A file with the right content keeps its time stamps. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const there = await readFile(path, 'utf8').catch(() => undefined);
  if (there === content) return;
  const temporary = `${path}${TEMPORARY}`;
  await writeSynced(temporary, content, mode);
  await rename(temporary, path);
}

/** Writes a file that is on the disk when this resolves. */
export async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
