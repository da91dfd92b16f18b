import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOSTS_TOML, MARKER } from './hosts-toml.ts';

/** The text of the hosts.toml in `directory`; undefined where there is none of ours. Throws when it cannot be read. */
export async function readOurHostsToml(directory: string): Promise<string | undefined> {
  try {
    const text = await readFile(join(directory, HOSTS_TOML), 'utf8');
    return text.startsWith(MARKER) ? text : undefined;
  } catch (error) {
    if (NO_FILE.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

const NO_FILE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP']);
