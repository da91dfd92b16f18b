import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../kit/wait.ts';

const ROOT = '/sys/fs/cgroup';

/** Separate control group. If two kubelets shared one, each would remove the pods of the other. */
export interface Cgroup extends AsyncDisposable {
  /** Path in every hierarchy. */
  readonly path: string;
  /** Kills all of its processes, and waits for their end. */
  kill(): Promise<void>;
}

/** Creates a control group in every hierarchy (cgroup v1 has several). Disposing waits until its processes have ended. */
export function createCgroup(name: string): Cgroup {
  const hierarchies = existsSync(join(ROOT, 'cgroup.controllers'))
    ? [ROOT]
    : directoriesIn(ROOT).map((hierarchy) => join(ROOT, hierarchy));
  const directories = hierarchies.map((hierarchy) => join(hierarchy, name));
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  return {
    path: `/${name}`,
    async kill() {
      const isEmpty = (): boolean => {
        const left = directories.flatMap(processesIn);
        for (const pid of left) kill(pid);
        return left.length === 0;
      };
      await waitFor(isEmpty, { what: `the end of all processes of ${name}` });
    },
    async [Symbol.asyncDispose]() {
      for (const directory of directories)
        await waitFor(() => removeTree(directory), { what: `the end of ${directory}` });
    },
  };
}

/** Removes directories of control groups, leaves first. Their entries are not real files and need no removal. */
function removeTree(directory: string): boolean {
  if (!existsSync(directory)) return true;
  for (const child of directoriesIn(directory)) removeTree(join(directory, child));
  rmdirSync(directory);
  return true;
}

/** Processes of a control group and of all below it. */
function processesIn(directory: string): number[] {
  if (!existsSync(directory)) return [];
  const own = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return [...own, ...directoriesIn(directory).flatMap((child) => processesIn(join(directory, child)))];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function directoriesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
