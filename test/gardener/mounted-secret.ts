/** A directory as the kubelet mounts a Secret: links to the files of `..data`, which is a link to the directory of one version. */
import {
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  readlinkSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';

export interface MountedSecret {
  readonly path: string;
  /** Replaces the Secret as a whole, by one rename. */
  update(data: Readonly<Record<string, string>>): void;
}

/** Mounts a Secret at `path`, which must not exist. */
export function mountSecret(path: string, data: Readonly<Record<string, string>>): MountedSecret {
  let version = 0;
  mkdirSync(path, { recursive: true });

  function update(next: Readonly<Record<string, string>>): void {
    version += 1;
    const name = `..version-${version}`;
    const before = version === 1 ? undefined : readlinkSync(join(path, '..data'));
    mkdirSync(join(path, name));
    for (const [key, value] of Object.entries(next)) writeFileSync(join(path, name, key), value);
    symlinkSync(name, join(path, '..data_tmp'));
    renameSync(join(path, '..data_tmp'), join(path, '..data'));
    for (const key of Object.keys(next)) link(key);
    for (const key of readdirSync(path)) if (!key.startsWith('..') && !(key in next)) rmSync(join(path, key));
    if (before !== undefined) rmSync(join(path, before), { recursive: true });
  }

  function link(key: string): void {
    if (!readdirSync(path).includes(key)) symlinkSync(`..data/${key}`, join(path, key));
  }

  update(data);
  return { path, update };
}
