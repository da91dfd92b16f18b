import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../kit/temp.ts';
import { needPart } from '../parts/find.ts';
import type { PartName } from '../parts/parts.ts';
import { runToExit } from '../parts/run.ts';
import type { Account } from '../parts/token-server.ts';

/** Command line client that pulls a reference into an empty directory. */
export interface Client {
  readonly name: string;
  readonly part: PartName;
  /** Arguments for pulling `host/repository:tag` over plain HTTP, with everything below an index. */
  args(host: string, reference: string, directory: string): readonly string[];
  /** Finds the digests of the pulled content. Default: each pulled file is one content. */
  readonly digestsIn?: (directory: string) => string[];
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

/** Not one of {@link CLIENTS}, because podman unpacks the image for its own platform and does not keep the layers unchanged. */
export const PODMAN: Client = {
  name: 'podman pull',
  part: 'podman',
  args: (host, reference, directory) => {
    const own = [
      '--root',
      `${directory}/root`,
      '--runroot',
      `${directory}/run`,
      '--tmpdir',
      `${directory}/tmp`,
    ];
    const quiet = ['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
    return [...own, ...quiet, 'pull', '--tls-verify=false', `${host}/${reference}`];
  },
  digestsIn: (directory) =>
    ['root/vfs-images/images.json', 'root/vfs-layers/layers.json']
      .map((name) => join(directory, name))
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, 'utf8').match(/sha256:[0-9a-f]{64}/g) ?? []),
};

/** Result of a pull. */
export interface Pull {
  /** True if the client reported success. */
  readonly succeeded: boolean;
  readonly output: string;
  /** Digests of the content that the client has received. */
  readonly digests: readonly string[];
}

/** Runs a client against `host` with an empty target directory, and with a home that contains only `account` for the host. */
export async function tryPull(
  client: Client,
  host: string,
  reference: string,
  account?: Account,
): Promise<Pull> {
  using home = clientHome(account === undefined ? {} : { [host]: account });
  using target = tempDir();
  const args = client.args(host, reference, target.path);
  const { code, stdout, stderr } = await runToExit(needPart(client.part), args, { env: home.env });
  const digests = (client.digestsIn ?? hashesBelow)(target.path);
  return { succeeded: code === 0, output: `${stdout}${stderr}`, digests };
}

/**
 * Pulls as {@link tryPull}. Returns the sorted sha256 of every file that the client wrote, so that two pulls can be compared. A client's
 * own `index.json` does not count, because ORAS and regctl write it in the order of arrival. Throws an `Error` with the client's output
 * if the pull fails.
 */
export async function pullWith(
  client: Client,
  host: string,
  reference: string,
  account?: Account,
): Promise<string[]> {
  const { succeeded, output, digests } = await tryPull(client, host, reference, account);
  if (!succeeded) throw new Error(`${client.name} of ${host}/${reference} failed: ${output}`);
  return [...digests];
}

/** Creates a home directory with a Docker configuration of these accounts, and the environment for clients to use it. */
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
