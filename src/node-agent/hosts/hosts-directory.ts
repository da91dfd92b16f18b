import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import { TEMPORARY } from '../../kit/replace-file.ts';
import { createCaFiles, type CaFiles } from './ca-files.ts';
import { removeOurs, replaceOurs } from './replace-ours.ts';
import { HOSTS_TOML, hostsToml, hostTable, type HostsFile } from './hosts-toml.ts';
import {
  foreignReason,
  hiddenReason,
  isOurFileName,
  kindOfFile,
  namesIn,
  readOurHostsToml,
} from './ownership.ts';

/** Result for one upstream's file. */
export interface HostsOutcome {
  readonly upstream: string;
  /** `Foreign`: the directory or file is not ours, and nothing was touched. */
  readonly state: 'Written' | 'Foreign' | 'Failed';
  /** Reason for people. Empty if written. */
  readonly message: string;
}

/** The files of ours in containerd's directory of hosts.toml files. */
export interface HostsDirectory {
  /**
   * Makes the directory hold exactly these files of ours. Correct files and all foreign ones are left alone. One call at a time. Every step
   * leaves a state that works for containerd, so after a crash the next call completes the work.
   */
  apply(files: readonly HostsFile[]): Promise<HostsOutcome[]>;
  /** Removes our files that lead to one of these hosts, whatever other hosts they name. Returns the ones that could not be removed. */
  removeLeadingTo(urls: readonly string[]): Promise<HostsOutcome[]>;
  /** Resolves once no unnamed certificate is left, which takes a second, or after 2 s. Never rejects. */
  settle(): Promise<void>;
}

/** containerd may run as any user. The files contain no secret. */
const READABLE = 0o644;
/** Pause between two sweeps of `settle`. */
const SETTLE_MS = 250;
/** Time limit of `settle`. */
const SETTLED_MS = 2_000;

export function createHostsDirectory(root: string, clock: Clock): HostsDirectory {
  const caFiles = createCaFiles(root, clock);
  return {
    async apply(files) {
      const wanted = new Set(files.map(({ upstream }) => upstream));
      const others = (await namesIn(root)).filter((name) => !wanted.has(name));
      const outcomes: HostsOutcome[] = [];
      for (const name of others.toSorted(temporariesFirst)) outcomes.push(...(await remove(root, name)));
      for (const file of files) outcomes.push(await write(root, file, caFiles));
      await sweep();
      return outcomes;
    },
    async removeLeadingTo(urls) {
      const tables = urls.map(hostTable);
      const outcomes: HostsOutcome[] = [];
      for (const name of await namesIn(root)) {
        try {
          const text = (await readOurHostsToml(join(root, name))) ?? '';
          const leadsThere = text.split('\n').some((line) => tables.includes(line));
          if (leadsThere) outcomes.push(...(await remove(root, name)));
        } catch (error) {
          outcomes.push(failed(name, join(root, name), error));
        }
      }
      await sweep();
      return outcomes;
    },
    async settle() {
      let left = await sweep();
      const deadline = clock.monotonic() + SETTLED_MS;
      while (left > 0 && clock.monotonic() < deadline) {
        await sleep(clock, SETTLE_MS);
        left = await sweep();
      }
    },
  };

  /** A certificate that stays too long is harmless and goes with the next sweep. */
  function sweep(): Promise<number> {
    return caFiles.sweep().catch(() => 0);
  }
}

/** Creates a new directory together with its content, because an empty one would disable `_default`. */
async function write(root: string, file: HostsFile, caFiles: CaFiles): Promise<HostsOutcome> {
  const { upstream } = file;
  const directory = join(root, upstream);
  try {
    const obstacle = (await hiddenReason(root, upstream)) ?? (await foreignReason(directory));
    if (obstacle !== undefined) {
      await clearForeign(directory);
      return { upstream, state: 'Foreign', message: obstacle };
    }
    for (const { ca } of file.hosts) if (ca !== undefined) await caFiles.provide(ca);
    const isNew = (await kindOfFile(directory)) === 'absent';
    const place = isNew ? `${directory}${TEMPORARY}` : directory;
    await mkdir(place, { recursive: true, mode: 0o755 });
    if (!(await replaceOurs(join(place, HOSTS_TOML), hostsToml(file), READABLE))) {
      const message = (await foreignReason(directory)) ?? `${directory} is being written by another program`;
      return { upstream, state: 'Foreign', message };
    }
    if (isNew) await rename(place, directory);
    for (const name of await namesIn(directory))
      if (isOurFileName(name) && name !== HOSTS_TOML) await rm(join(directory, name), { force: true });
    return { upstream, state: 'Written', message: '' };
  } catch (error) {
    return failed(upstream, directory, error);
  }
}

/** Puts a directory back that another program has taken, unless that program has made it again. */
async function giveBack(aside: string, directory: string): Promise<void> {
  await clearForeign(aside);
  try {
    await rename(aside, directory);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rm(aside, { recursive: true, force: true });
  }
}

/** Removes what is left of ours in a directory that another program has taken. Its hosts.toml is not ours any more. */
async function clearForeign(directory: string): Promise<void> {
  if ((await kindOfFile(directory)) !== 'directory') return;
  for (const name of await namesIn(directory))
    if (isOurFileName(name) && name !== HOSTS_TOML) await rm(join(directory, name), { force: true });
}

/** Removes our files, and the directory if nothing else is in it. */
async function remove(root: string, upstream: string): Promise<HostsOutcome[]> {
  const directory = join(root, upstream);
  try {
    if (isTemporary(upstream)) {
      await clear(directory);
      return [];
    }
    const names = await namesInOurs(directory);
    if (names.length === 0) return [];
    if (!names.every(isOurFileName)) {
      await clear(directory);
      return [];
    }
    const aside = `${directory}${TEMPORARY}`;
    await rename(directory, aside);
    // Another program may have written its file since the look at the directory.
    if ((await foreignReason(aside)) === undefined) await clear(aside);
    else await giveBack(aside, directory);
    return [];
  } catch (error) {
    return [failed(upstream, directory, error)];
  }
}

/** Names in a directory of ours; none in a foreign one. An unreadable directory is foreign, because an agent can read its own. */
async function namesInOurs(directory: string): Promise<string[]> {
  try {
    const isDirectory = (await kindOfFile(directory)) === 'directory';
    return isDirectory && (await foreignReason(directory)) === undefined ? await namesIn(directory) : [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw error;
  }
}

async function clear(directory: string): Promise<void> {
  if ((await kindOfFile(directory)) !== 'directory') return;
  await removeOurs(join(directory, HOSTS_TOML));
  for (const name of await namesIn(directory))
    if (isOurFileName(name) && name !== HOSTS_TOML) await rm(join(directory, name), { force: true });
  await rmdir(directory).catch(() => {});
}

/** Sorts temporary names first: a crash left them, and they are in the way of new directories. */
function temporariesFirst(a: string, b: string): number {
  return Number(isTemporary(b)) - Number(isTemporary(a));
}

function isTemporary(name: string): boolean {
  return name.endsWith(TEMPORARY);
}

function failed(upstream: string, directory: string, error: unknown): HostsOutcome {
  return { upstream, state: 'Failed', message: `${directory}: ${errorText(error)}` };
}
