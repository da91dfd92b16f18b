/** `certs.d` as Gardener's node agent writes it (gardener v1.149.3, `containerd.go`). */
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sleep, type Clock } from '../../../src/kit/clock.ts';

export interface NodeRegistry {
  readonly upstream: string;
  readonly server?: string;
  readonly hosts: readonly {
    readonly url: string;
    readonly capabilities?: readonly string[];
    readonly caCerts?: readonly string[];
  }[];
  readonly readinessProbe?: boolean;
}

/** Sends a GET to a host. Any answer counts. Rejects without one. */
export type Probe = (url: string, signal: AbortSignal) => Promise<void>;

export interface NodeRegistriesDeps {
  /** The directory `certs.d`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly probe: Probe;
  readonly pause: () => Promise<void>;
}

export interface NodeRegistries {
  /** Writes all entries: at once, or once their hosts answer if they have a probe and are new or changed. Resolves when all are written. */
  write(
    wanted: readonly NodeRegistry[],
    applied: readonly NodeRegistry[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Removes the directories of these entries, whoever wrote what is in them. */
  remove(lost: readonly NodeRegistry[]): Promise<void>;
}

/** First line of its files. */
export const GARDENER_MARKER = '# managed by gardener-node-agent';
export const CERTS_DIRECTORY = 'etc/containerd/certs.d';

const PROBE_EVERY_MS = 2_000;

export function createNodeRegistries({ directory, clock, probe, pause }: NodeRegistriesDeps): NodeRegistries {
  async function write(registry: NodeRegistry, isProbed: boolean, signal: AbortSignal): Promise<void> {
    const own = join(directory, registry.upstream);
    // It is there before the hosts answer, and hides `_default` as long as it is empty.
    await mkdir(own, { recursive: true, mode: 0o755 });
    await pause();
    if (isProbed) for (const { url } of registry.hosts) await answered(url, signal);
    const file = await open(join(own, 'hosts.toml'), 'w', 0o644);
    try {
      await pause();
      await file.writeFile(hostsTomlOf(registry));
    } finally {
      await file.close();
    }
  }
  async function answered(url: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      try {
        await probe(url, signal);
        return;
      } catch {
        await sleep(clock, PROBE_EVERY_MS, signal);
      }
    }
  }
  return {
    async write(wanted, applied, signal) {
      const isChanged = (one: NodeRegistry): boolean =>
        !applied.some((before) => isDeepStrictEqual(before, one));
      const probed = wanted.filter((one) => one.readinessProbe === true && isChanged(one));
      for (const one of wanted) if (!probed.includes(one)) await write(one, false, signal);
      const results = await Promise.allSettled(probed.map((one) => write(one, true, signal)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    async remove(lost) {
      for (const { upstream } of lost) {
        await pause();
        await rm(join(directory, upstream), { recursive: true, force: true });
      }
    },
  };
}

function hostsTomlOf({ server, hosts }: NodeRegistry): string {
  const list = (values: readonly string[]): string => `[${values.map((one) => `"${one}"`).join(',')}]`;
  return [
    GARDENER_MARKER,
    ...(server === undefined ? [] : [`server = "${server}"`]),
    ...hosts.flatMap(({ url, capabilities = [], caCerts = [] }) => [
      '',
      `[host."${url}"]`,
      ...(capabilities.length > 0 ? [`  capabilities = ${list(capabilities)}`] : []),
      ...(caCerts.length > 0 ? [`  ca = ${list(caCerts)}`] : []),
    ]),
    '',
  ].join('\n');
}
