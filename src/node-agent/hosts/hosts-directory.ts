import { lstat, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../kit/errors.ts';
import { replaceFile } from '../replace-file.ts';
import { caFileName, hostsToml, isOurFileName, MARKER, type HostsFile } from './hosts-toml.ts';

/** What became of one upstream's file. */
export interface HostsOutcome {
  readonly upstream: string;
  /** `Foreign`: somebody else has written there, and nothing was touched. */
  readonly state: 'Written' | 'Foreign' | 'Failed';
  /** Why, for a person; empty when written. */
  readonly message: string;
}

/** containerd's directory of hosts.toml files, as far as it is ours. */
export interface HostsDirectory {
  /**
   * Makes the directory hold these files of ours and no others. What is right already is left alone, what is somebody else's always. One
   * call at a time. Each step leaves a state that containerd can live with, so a crash between any two is mended by the next call.
   */
  apply(files: readonly HostsFile[]): Promise<HostsOutcome[]>;
}

const HOSTS_TOML = 'hosts.toml';
/** By containerd, whoever it runs as: there is no secret in these files. */
const READABLE = 0o644;

export function createHostsDirectory(root: string): HostsDirectory {
  return {
    async apply(files) {
      const wanted = new Set(files.map(({ upstream }) => upstream));
      const others = (await namesIn(root)).filter((name) => !wanted.has(name));
      const outcomes: HostsOutcome[] = [];
      for (const name of others) outcomes.push(...(await remove(root, name)));
      for (const file of files) outcomes.push(await write(root, file));
      return outcomes;
    },
  };
}

async function write(root: string, file: HostsFile): Promise<HostsOutcome> {
  const { upstream } = file;
  const directory = join(root, upstream);
  try {
    const obstacle = (await hiddenBy(root, upstream)) ?? (await foreign(directory));
    if (obstacle !== undefined) return { upstream, state: 'Foreign', message: obstacle };
    await mkdir(directory, { recursive: true, mode: 0o755 });
    const bundles = new Map(
      file.hosts.flatMap(({ ca }) => (ca === undefined ? [] : [[caFileName(ca), ca] as const])),
    );
    for (const [name, pem] of bundles) await replaceFile(join(directory, name), pem, READABLE);
    await replaceFile(join(directory, HOSTS_TOML), hostsToml(file), READABLE);
    for (const name of await namesIn(directory))
      if (isOurFileName(name) && !bundles.has(name)) await rm(join(directory, name), { force: true });
    return { upstream, state: 'Written', message: '' };
  } catch (error) {
    return failed(upstream, directory, error);
  }
}

/** Takes away what is ours, hosts.toml first; the directory only when nothing else is in it. */
async function remove(root: string, upstream: string): Promise<HostsOutcome[]> {
  const directory = join(root, upstream);
  try {
    if ((await kindOf(directory)) !== 'directory' || (await foreign(directory)) !== undefined) return [];
    const names = await namesIn(directory);
    // An empty directory was made by somebody else.
    if (names.length === 0) return [];
    await rm(join(directory, HOSTS_TOML), { force: true });
    for (const name of names) await rm(join(directory, name), { force: true });
    await rmdir(directory).catch(() => {});
    return [];
  } catch (error) {
    return [failed(upstream, directory, error)];
  }
}

function failed(upstream: string, directory: string, error: unknown): HostsOutcome {
  return { upstream, state: 'Failed', message: `${directory}: ${errorText(error)}` };
}

/** What in the directory is not ours: a sentence, or undefined. */
async function foreign(directory: string): Promise<string | undefined> {
  const kind = await kindOf(directory);
  if (kind === 'absent') return undefined;
  if (kind !== 'directory') return `${directory} is a ${kind} of somebody else`;
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    if (isOurFileName(name)) continue;
    if (name !== HOSTS_TOML) return `${path} was put there by somebody else`;
    if ((await kindOf(path)) !== 'file' || !(await readFile(path, 'utf8')).startsWith(MARKER))
      return `${path} was written by somebody else`;
  }
  return undefined;
}

/** containerd looks for `<host>_<port>_` before `<host>:<port>`. */
async function hiddenBy(root: string, upstream: string): Promise<string | undefined> {
  if (!upstream.includes(':')) return undefined;
  const other = join(root, `${upstream.replace(':', '_')}_`);
  return (await kindOf(other)) === 'absent' ? undefined : `${other} comes first for containerd`;
}

async function kindOf(path: string): Promise<'absent' | 'file' | 'directory' | 'link or special file'> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined) return 'absent';
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'directory' : 'link or special file';
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
