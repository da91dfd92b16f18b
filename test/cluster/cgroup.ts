import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../kit/wait.ts';

const ROOT = '/sys/fs/cgroup';

/** A control group of its own: where two kubelets shared one, each would clear away the pods of the other. */
export interface Cgroup extends AsyncDisposable {
  /** Its path in every hierarchy. */
  readonly path: string;
}

/** Makes one, in every hierarchy where there are several (cgroup v1). Disposing it waits until its processes are gone. */
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

/** Control groups are removed from the leaves on, and only their directories: the files in them are none. */
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
