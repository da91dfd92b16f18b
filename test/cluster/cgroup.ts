import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../kit/wait.ts';

const ROOT = '/sys/fs/cgroup';

/** Separate control group. If two kubelets shared one, each would remove the pods of the other. */
export interface Cgroup extends AsyncDisposable {
  /** Path in every hierarchy. */
  readonly path: string;
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

function directoriesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
