import { glob, readFile } from 'node:fs/promises';
import { dirname, normalize, resolve } from 'node:path';
import type { ContainerdFinding } from '../../fleet/node-status.ts';
import { errorText } from '../../kit/errors.ts';
import { parseConfigFile, type ConfigFile } from './config-file.ts';
import { placeOf, readingsOf, type RegistryReading } from './config-path.ts';

/** Limit for files that import each other in a circle. containerd itself reads each file once. */
const MOST_FILES = 100;

/**
 * Reads containerd's configuration with its imports and judges it. `directory` is the agent's directory as containerd sees it. Never
 * throws.
 */
export async function checkContainerd(file: string, directory: string): Promise<ContainerdFinding> {
  const unknown = (why: string): ContainerdFinding => ({
    state: 'Unknown',
    message: `it is unknown whether containerd reads ${directory}: ${why}`,
  });
  const first = await load(file);
  if (typeof first === 'string')
    return unknown(`${first} (nodeAgent.containerdConfig of the chart names containerd's configuration)`);
  const files: [ConfigFile, ...ConfigFile[]] = [first];
  const seen = new Set([file]);
  // The list grows in the loop: containerd merges files in this order, each of them once.
  for (const { path, imports } of files) {
    for (const pattern of imports) {
      for (const next of await matching(resolve(dirname(path), pattern))) {
        if (seen.has(next) || seen.size >= MOST_FILES) continue;
        seen.add(next);
        const imported = await load(next);
        if (typeof imported === 'string') return unknown(`${imported}, which ${path} imports`);
        files.push(imported);
      }
    }
  }
  return judge(files, directory);
}

function judge(files: [ConfigFile, ...ConfigFile[]], directory: string): ContainerdFinding {
  const { plugin, version } = placeOf(files);
  const readings = readingsOf(files);
  const others = readings.filter((reading) => stateOf(reading, directory) !== 'Set');
  const [other] = others;
  if (other === undefined) return { state: 'Set', message: '' };

  const inPlace = others.some(({ hasMirrors }) => hasMirrors) ? ' in place of registry.mirrors' : '';
  const toDo = `set config_path = "${directory}"${inPlace} in [plugins."${plugin}".registry] of ${other.path} (version = ${version}) and restart it once`;
  if (others.length < readings.length) {
    const releases = others.map((reading) => reading.releases).join(', ');
    return { state: 'Unknown', message: `containerd ${releases} would not read ${directory}: ${toDo}` };
  }
  const state = stateOf(other, directory);
  const found = {
    Set: '',
    NotSet: "containerd's config_path is not set, so it reads no hosts.toml",
    Elsewhere: `containerd reads hosts.toml from "${other.configPath}"`,
    List: `containerd's config_path is the list "${other.configPath}", of which containerd 2.1 and later read nothing`,
  }[state];
  return { state, message: `${found}: ${toDo}` };
}

function stateOf(
  { configPath }: RegistryReading,
  directory: string,
): Exclude<ContainerdFinding['state'], 'Unknown'> {
  if (configPath === '') return 'NotSet';
  const parts = configPath.split(':').map((part) => normalize(`${part}/`));
  if (!parts.includes(normalize(`${directory}/`))) return 'Elsewhere';
  return parts.length > 1 ? 'List' : 'Set';
}

/** The file, or the reason why it cannot be read. */
async function load(path: string): Promise<ConfigFile | string> {
  try {
    return parseConfigFile(await readFile(path, 'utf8'), path);
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isAbsent ? `there is no ${path}` : `${path}: ${errorText(error)}`;
  }
}

/** Expands a name with a `*`, as containerd does. */
async function matching(pattern: string): Promise<string[]> {
  if (!pattern.includes('*')) return [pattern];
  const found: string[] = [];
  for await (const path of glob(pattern)) found.push(path);
  return found.sort();
}
