import type { LarderProcess } from '../kit/index.ts';
import { PARTS, type PartName } from '../parts/parts.ts';
import { CONTAINERDS, startContainerd, type ContainerdOptions } from '../parts/start-containerd.ts';
import type { Account } from '../parts/token-server.ts';
import { CLIENTS, PODMAN, tryPull, type Client, type Pull } from './client-table.ts';

/** containerd's name for the registry behind the cache. */
export const REGISTRY_NAME = 'private.test';

/** Address without a listener. A pull that falls back to the origin fails, so it cannot pass for a pull through the cache. */
const DEAD_ORIGIN = 'http://127.0.0.1:1';

/** Client that pulls through one cache. */
export interface Puller extends AsyncDisposable {
  /** Pulls `repository:tag` after all content was removed. */
  pull(reference: string, account?: Account): Promise<Pull>;
}

/** Kind of client for private images. */
export interface PullerKind {
  readonly name: string;
  readonly parts: readonly PartName[];
  start(larder: LarderProcess): Promise<Puller>;
}

/** Clients that log in to the cache's host and have its name in their references. */
export const COMMANDS: readonly Client[] = [
  ...CLIENTS.filter(({ name }) => name !== 'oras pull'), // `oras pull` writes the files of an artifact, which an image does not have.
  PODMAN,
];

/** Clients that `hosts.toml` leads to the cache, with the credential of a pod for the registry. */
export const NODES: readonly PullerKind[] = CONTAINERDS.map((part) => ({
  name: `containerd ${PARTS[part].version.replace('v', '')}`,
  parts: [part, 'crictl'],
  start: (larder) => startNode(part, larder),
}));

/** All clients, for a cache with a single upstream. */
export const PULLERS: readonly PullerKind[] = [
  ...NODES,
  ...COMMANDS.map((client) => ({
    name: client.name,
    parts: [client.part],
    start: (larder: LarderProcess) => Promise.resolve(commandFor(client, larder)),
  })),
];

async function startNode(part: ContainerdOptions['part'], larder: LarderProcess): Promise<Puller> {
  const containerd = await startContainerd({ part });
  containerd.useMirror(REGISTRY_NAME, larder.registry, DEAD_ORIGIN);
  return {
    async pull(reference, account) {
      await containerd.removeImages();
      const { code, stdout, stderr } = await containerd.pullAsKubelet(
        `${REGISTRY_NAME}/${reference}`,
        account,
      );
      const digests = await containerd.contentDigests();
      return { succeeded: code === 0, output: `${stdout}${stderr}`, digests };
    },
    [Symbol.asyncDispose]: () => containerd[Symbol.asyncDispose](),
  };
}

function commandFor(client: Client, larder: LarderProcess): Puller {
  const host = hostOf(larder);
  return {
    pull: (reference, account) => tryPull(client, host, reference, account),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Host of a cache, by name instead of address: ORAS and crane compare it with the host of the token server (`Registry.host`). */
export function hostOf(larder: LarderProcess): string {
  return `localhost:${new URL(larder.registry).port}`;
}
