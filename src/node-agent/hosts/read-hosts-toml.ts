import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOSTS_TOML, MARKER } from './hosts-toml.ts';

/**
 * Text of our hosts.toml in `directory`. Undefined if there is none or it is foreign: not a plain file, or unreadable, since an agent can
 * read its own files. Throws on disk failures.
 */
export async function readOurHostsToml(directory: string): Promise<string | undefined> {
  const path = join(directory, HOSTS_TOML);
  try {
    // Reading a pipe would block until it has a writer.
    if (!(await lstat(path)).isFile()) return undefined;
    const text = await readFile(path, 'utf8');
    return text.startsWith(MARKER) ? text : undefined;
  } catch (error) {
    if (NOT_OURS.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

const NOT_OURS: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP']);
