import { open, readFile, rename } from 'node:fs/promises';

/** Suffix of files and directories that are being written or removed. */
export const TEMPORARY = '.larder-new';

/** Writes the whole file or nothing. A file with the right content keeps its time stamps. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const there = await readFile(path, 'utf8').catch(() => undefined);
  if (there === content) return;
  const temporary = `${path}${TEMPORARY}`;
  const file = await open(temporary, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
