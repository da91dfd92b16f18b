import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY } from '../../kit/replace-file.ts';
import { OF_GARDENER } from '../../fleet/node-status.ts';
import { CA_FILE_NAME, HOSTS_TOML, MARKER } from './hosts-toml.ts';

/**
 * Reason why the directory is not ours. Undefined if it is ours or can become ours. A hosts.toml decides, whatever lies beside it. Without
 * one any other file does, because containerd reads such files then.
 */
export async function foreignReason(directory: string): Promise<string | undefined> {
  const kind = await kindOfFile(directory);
  if (kind === 'absent') return undefined;
  if (kind !== 'directory') return `${directory} is a ${kind} that the node agent did not create`;
  const path = join(directory, HOSTS_TOML);
  if ((await kindOfFile(path)) === 'absent') {
    const other = (await namesIn(directory)).find((name) => !isOurFileName(name));
    return other === undefined ? undefined : `${join(directory, other)} was not written by the node agent`;
  }
  if ((await readOurFile(path)) !== undefined) return undefined;
  return (await isOfGardener(path))
    ? `${path} is ${OF_GARDENER}`
    : `${path} was not written by the node agent`;
}

/** True for a file of Gardener's node agent, by its first line (gardener v1.147.1, `pkg/nodeagent/controller/operatingsystemconfig`). */
async function isOfGardener(path: string): Promise<boolean> {
  if ((await kindOfFile(path)) !== 'file') return false;
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.startsWith('# managed by gardener-node-agent');
}

/** Reason why containerd ignores the directory of `upstream`: it looks for `<host>_<port>_` before `<host>:<port>`. */
export async function hiddenReason(root: string, upstream: string): Promise<string | undefined> {
  if (!upstream.includes(':')) return undefined;
  const other = join(root, `${upstream.replace(':', '_')}_`);
  return (await kindOfFile(other)) === 'absent' ? undefined : `${other} takes precedence in containerd`;
}

/**
 * Text of a hosts.toml of ours at `path`. Undefined if there is none or it is foreign: not a plain file, or unreadable, since an agent can
 * read its own files, or empty, since another program is writing it then. Throws on disk failures.
 */
export async function readOurFile(path: string): Promise<string | undefined> {
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

/** Matches the names of our files in a directory of ours. */
export function isOurFileName(name: string): boolean {
  return name === HOSTS_TOML || CA_FILE_NAME.test(name) || name.endsWith(TEMPORARY);
}

/** Names in `directory`; none if it does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** Kind of the file at `path`, without following links. */
export async function kindOfFile(
  path: string,
): Promise<'absent' | 'file' | 'directory' | 'link or special file'> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined) return 'absent';
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'directory' : 'link or special file';
}
