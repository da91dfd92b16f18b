import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The authority that the hosts.toml of an upstream names, PEM, found as containerd finds it. Throws while there is none. */
export function relayAuthority(certsDirectory: string, upstream: string): string {
  const directory = join(certsDirectory, upstream);
  const [, path] = /^ca = "(.+)"$/m.exec(readFileSync(join(directory, 'hosts.toml'), 'utf8')) ?? [];
  if (path === undefined) throw new Error(`the hosts.toml of ${upstream} names no authority`);
  return readFileSync(join(directory, path), 'utf8');
}
