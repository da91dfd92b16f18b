import type { LarderProcess } from '../kit/index.ts';
import { PARTS, type PartName } from '../parts/parts.ts';
import { CONTAINERDS, startContainerd, type ContainerdOptions } from '../parts/start-containerd.ts';
import type { Account } from '../parts/token-server.ts';
import { CLIENTS, PODMAN, tryPull, type Client, type Pull } from './client-table.ts';

/** The name by which containerd knows the registry behind the cache. */
export const REGISTRY_NAME = 'private.test';

/** Nothing listens there: who falls back to the origin fails, and cannot look as if the cache had served him. */
const DEAD_ORIGIN = 'http://127.0.0.1:1';

/** A client, ready to pull through one cache. */
export interface Puller extends AsyncDisposable {
  /** Pulls `repository:tag` into an empty place. */
  pull(reference: string, account?: Account): Promise<Pull>;
}

/** A kind of client that private images are pulled with. */
export interface PullerKind {
  readonly name: string;
  readonly parts: readonly PartName[];
  start(larder: LarderProcess): Promise<Puller>;
}

/** Clients that log in to the cache's host and have its name in their references. */
export const COMMANDS: readonly Client[] = [
  ...CLIENTS.filter(({ name }) => name !== 'oras pull'), // It writes files of an artifact, and an image has none.
  PODMAN,
];

/** Clients that are led to the cache by hosts.toml, and bring the credential that a pod has for the registry. */
export const NODES: readonly PullerKind[] = CONTAINERDS.map((part) => ({
  name: `containerd ${PARTS[part].version.replace('v', '')}`,
  parts: [part, 'crictl'],
  start: (larder) => startNode(part, larder),
}));

/** All of them, for a cache with a single upstream. */
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

/** By name and not by address: ORAS and crane compare it with the host of the token server, as `Registry.host` says. */
export function hostOf(larder: LarderProcess): string {
  return `localhost:${new URL(larder.registry).port}`;
}
