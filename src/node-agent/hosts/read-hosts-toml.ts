import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOSTS_TOML, MARKER } from './hosts-toml.ts';

/**
 * The text of the hosts.toml in `directory`; undefined where there is none of ours. What is no plain file, or cannot be opened, is somebody
 * else's: an agent reads what it has written. Throws for a disk that fails.
 */
export async function readOurHostsToml(directory: string): Promise<string | undefined> {
  const path = join(directory, HOSTS_TOML);
  try {
    // Reading a pipe would wait for whoever writes to it.
    if (!(await lstat(path)).isFile()) return undefined;
    const text = await readFile(path, 'utf8');
    return text.startsWith(MARKER) ? text : undefined;
  } catch (error) {
    if (NOT_OURS.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

const NOT_OURS: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP']);
