import { glob, readFile } from 'node:fs/promises';
import { dirname, normalize, resolve } from 'node:path';
import { errorText } from '../../kit/errors.ts';
import { parseContainerdConfig, type RegistrySettings } from './config-path.ts';

/**
 * Whether containerd reads the hosts.toml files that are written for it.
 *
 * `Set`: it does. `NotSet`: `config_path` is not set, and it reads none. `List`: several directories, of which pulls by its transfer
 * service (the way of Kubernetes from 2.1 on) read none (https://github.com/containerd/containerd/issues/12808). `Elsewhere`: it reads
 * another directory. `Unknown`: its configuration cannot be read.
 */
export interface ContainerdFinding {
  readonly state: 'Set' | 'NotSet' | 'List' | 'Elsewhere' | 'Unknown';
  /** What was found and what to do; empty when set. */
  readonly message: string;
}

/** Files that import each other in a circle end here; containerd itself reads each file once. */
const MOST_FILES = 100;

/** Reads containerd's configuration, imports included, and judges it. `directory` is where containerd sees our files. Never throws. */
export async function checkContainerd(file: string, directory: string): Promise<ContainerdFinding> {
  let settings: RegistrySettings;
  try {
    settings = await readAll(file);
  } catch (error) {
    return {
      state: 'Unknown',
      message: `whether containerd reads ${directory} is not known: ${file}: ${errorText(error)}`,
    };
  }
  return judge(settings, file, directory);
}

function judge(
  { configPath, hasMirrors }: RegistrySettings,
  file: string,
  directory: string,
): ContainerdFinding {
  const toDo = `set config_path = "${directory}" in its registry settings (${file}) and restart it once`;
  if (configPath === undefined || configPath === '') {
    const instead = hasMirrors ? '; registry.mirrors, which is set, has to go then' : '';
    return {
      state: 'NotSet',
      message: `containerd's config_path is not set, so it reads no hosts.toml: ${toDo}${instead}`,
    };
  }
  const parts = configPath.split(':').map((part) => normalize(`${part}/`));
  if (!parts.includes(normalize(`${directory}/`)))
    return { state: 'Elsewhere', message: `containerd reads hosts.toml from "${configPath}": ${toDo}` };
  if (parts.length > 1)
    return {
      state: 'List',
      message: `containerd's config_path is the list "${configPath}", of which its transfer service reads nothing: ${toDo}`,
    };
  return { state: 'Set', message: '' };
}

/** The settings of the file with its imports over it, as containerd merges them. */
async function readAll(file: string): Promise<RegistrySettings> {
  let configPath: string | undefined;
  let hasMirrors = false;
  const queue = [file];
  const seen = new Set<string>();
  for (let next = queue.shift(); next !== undefined && seen.size < MOST_FILES; next = queue.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const found = parseContainerdConfig(await readFile(next, 'utf8'));
    configPath = found.configPath ?? configPath;
    hasMirrors ||= found.hasMirrors;
    for (const pattern of found.imports) queue.push(...(await matching(resolve(dirname(next), pattern))));
  }
  return { configPath, hasMirrors, imports: [] };
}

async function matching(pattern: string): Promise<string[]> {
  if (!/[*?[]/.test(pattern)) return [pattern];
  const found: string[] = [];
  for await (const path of glob(pattern)) found.push(path);
  return found.sort();
}
