import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import { TEMPORARY } from '../../kit/replace-file.ts';
import { createCaFiles, type CaFiles } from './ca-files.ts';
import { createUpstreamFile, recoverFile } from './upstream-file.ts';
import { HOSTS_TOML, hostsToml, hostTable, type HostsFile } from './hosts-toml.ts';
import { foreignReason, hiddenReason, isOurFileName, kindOfFile, namesIn, readOurFile } from './ownership.ts';

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

/** Pause between two sweeps of `settle`. */
const SETTLE_MS = 250;
/** Time limit of `settle`. */
const SETTLED_MS = 2_000;

export function createHostsDirectory(root: string, clock: Clock): HostsDirectory {
  const caFiles = createCaFiles(root, clock);
  return {
    async apply(files) {
      const wanted = new Set(files.map(({ upstream }) => upstream));
      const outcomes: HostsOutcome[] = [];
      for (const name of await namesIn(root))
        if (name.endsWith(TEMPORARY)) outcomes.push(...(await recover(root, name)));
      for (const name of await namesIn(root))
        if (!name.endsWith(TEMPORARY) && !wanted.has(name)) outcomes.push(...(await remove(root, name)));
      for (const file of files) outcomes.push(await write(root, file, caFiles));
      await sweep();
      return outcomes;
    },
    async removeLeadingTo(urls) {
      const tables = urls.map(hostTable);
      const outcomes: HostsOutcome[] = [];
      for (const name of await namesIn(root)) {
        try {
          const text = (await readOurFile(join(root, name, HOSTS_TOML))) ?? '';
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

async function write(root: string, file: HostsFile, caFiles: CaFiles): Promise<HostsOutcome> {
  const { upstream } = file;
  const directory = join(root, upstream);
  try {
    const obstacle = (await hiddenReason(root, upstream)) ?? (await foreignReason(directory));
    if (obstacle !== undefined) {
      await removeOthers(directory);
      return { upstream, state: 'Foreign', message: obstacle };
    }
    for (const { ca } of file.hosts) if (ca !== undefined) await caFiles.provide(ca);
    if (!(await createUpstreamFile(root, upstream).put(hostsToml(file)))) {
      const message = (await foreignReason(directory)) ?? `${directory} is being written by another program`;
      return { upstream, state: 'Foreign', message };
    }
    await removeOthers(directory);
    return { upstream, state: 'Written', message: '' };
  } catch (error) {
    return failed(upstream, directory, error);
  }
}

/** Removes our file. The directory goes too if nothing else is in it. */
async function remove(root: string, upstream: string): Promise<HostsOutcome[]> {
  const directory = join(root, upstream);
  try {
    if (!(await isOurs(directory))) return [];
    await removeOthers(directory);
    await createUpstreamFile(root, upstream).remove();
    return [];
  } catch (error) {
    return [failed(upstream, directory, error)];
  }
}

/** Ends what a crash has interrupted: files that were on their way, and new directories that were not in place yet. */
async function recover(root: string, name: string): Promise<HostsOutcome[]> {
  const path = join(root, name);
  try {
    if ((await recoverFile(root, name)) || (await kindOfFile(path)) !== 'directory') return [];
    await rm(join(path, HOSTS_TOML), { force: true });
    await removeOthers(path);
    await rmdir(path).catch(() => {});
    return [];
  } catch (error) {
    return [failed(name, path, error)];
  }
}

/** Removes what is ours in a directory beside hosts.toml: former versions have written there. */
async function removeOthers(directory: string): Promise<void> {
  if ((await kindOfFile(directory)) !== 'directory') return;
  for (const name of await namesIn(directory))
    if (isOurFileName(name) && name !== HOSTS_TOML) await rm(join(directory, name), { force: true });
}

/** True for a directory with something of ours that is not foreign. An unreadable one is, because an agent can read its own. */
async function isOurs(directory: string): Promise<boolean> {
  try {
    const isDirectory = (await kindOfFile(directory)) === 'directory';
    if (!isDirectory || (await foreignReason(directory)) !== undefined) return false;
    return (await namesIn(directory)).some(isOurFileName);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}

function failed(upstream: string, directory: string, error: unknown): HostsOutcome {
  return { upstream, state: 'Failed', message: `${directory}: ${errorText(error)}` };
}
