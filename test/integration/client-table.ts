import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../kit/temp.ts';
import { needPart } from '../parts/find.ts';
import type { PartName } from '../parts/parts.ts';
import { run } from '../parts/run.ts';
import type { Account } from '../parts/token-server.ts';

/** A command line client that pulls a reference into an empty directory. */
export interface Client {
  readonly name: string;
  readonly part: PartName;
  /** Arguments that pull `host/repository:tag` over plain http, with everything below an index. */
  args(host: string, reference: string, directory: string): readonly string[];
}

export const CLIENTS: readonly Client[] = [
  {
    name: 'crane pull',
    part: 'crane',
    args: (host, reference, directory) => [
      'pull',
      '--insecure',
      '--format=oci',
      `${host}/${reference}`,
      directory,
    ],
  },
  {
    name: 'skopeo copy',
    part: 'skopeo',
    args: (host, reference, directory) => {
      const flags = ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false'];
      return [...flags, `docker://${host}/${reference}`, `dir:${directory}`];
    },
  },
  {
    name: 'oras copy',
    part: 'oras',
    args: (host, reference, directory) => {
      const flags = ['copy', '--from-plain-http', '--to-oci-layout'];
      return [...flags, `${host}/${reference}`, `${directory}:v1`];
    },
  },
  {
    name: 'oras pull',
    part: 'oras',
    args: (host, reference, directory) => [
      'pull',
      '--plain-http',
      '--output',
      directory,
      `${host}/${reference}`,
    ],
  },
  {
    name: 'regctl image copy',
    part: 'regctl',
    args: (host, reference, directory) => {
      const flags = ['--host', `reg=${host},tls=disabled`, 'image', 'copy'];
      return [...flags, `${host}/${reference}`, `ocidir://${directory}:v1`];
    },
  },
];

/**
 * Runs a client against `host` and gives the sorted sha256 of every file it wrote: two pulls are alike when these are.
 * An `index.json` of the client's own does not count, since ORAS and regctl list in it what happens to arrive first.
 * The client has a home of its own, which holds `account` for the host and nothing else.
 */
export async function pullWith(
  client: Pick<Client, 'part' | 'args'>,
  host: string,
  reference: string,
  account?: Account,
): Promise<string[]> {
  using home = clientHome(account === undefined ? {} : { [host]: account });
  using target = tempDir();
  await run(needPart(client.part), client.args(host, reference, target.path), { env: home.env });
  return hashesBelow(target.path);
}

/** A home directory with a Docker configuration of these accounts, and the environment that makes clients use it. */
export function clientHome(accounts: Readonly<Record<string, Account>>) {
  const home = tempDir();
  const auths = Object.fromEntries(
    Object.entries(accounts).map(([host, { username, password }]) => [
      host,
      { auth: Buffer.from(`${username}:${password}`).toString('base64') },
    ]),
  );
  home.write('.docker/config.json', JSON.stringify({ auths }));
  const env = { HOME: home.path, XDG_RUNTIME_DIR: home.path, DOCKER_CONFIG: join(home.path, '.docker') };
  return { env, [Symbol.dispose]: () => home[Symbol.dispose]() };
}

function hashesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'index.json')
    .map((entry) => sha256(readFileSync(join(entry.parentPath, entry.name))))
    .sort();
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
