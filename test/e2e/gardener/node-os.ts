import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../../src/kit/clock.ts';
import type { Cluster } from '../../cluster/start-cluster.ts';
import { gardenerContainerdConfig } from '../../gardener/landscape/containerd-config.ts';
import { createGardenerNodeAgent } from '../../gardener/landscape/node-agent.ts';
import { probeByHttp } from '../../gardener/landscape/node-probe.ts';
import { CERTS_DIRECTORY } from '../../gardener/landscape/node-registries.ts';
import type { OsConfigObject } from '../../gardener/play-osc.ts';
import type { ContainerdFiles } from '../../parts/containerd-files.ts';

/** Gardener's node agent on the node that runs. */
export interface NodeOs {
  /** Writes the configuration of containerd as Gardener's node agent does on a new node. */
  prepare(files: ContainerdFiles): Promise<void>;
  /** Starts on a node with this directory of `hosts.toml` files, and carries out the newest configuration in the background. */
  start(hosts: string): void;
  /** Takes a configuration, and carries it out if a node runs. */
  configure(config: OsConfigObject): Promise<void>;
  /** Ends with the node. */
  stop(): Promise<void>;
}

export function createNodeOs(reach: Cluster['reach']): NodeOs {
  let config: OsConfigObject | undefined;
  let running:
    | { apply(): Promise<void>; readonly ended: AbortController; background: Promise<unknown> }
    | undefined;
  return {
    async prepare({ configuration }) {
      writeFileSync(configuration, gardenerContainerdConfig(readFileSync(configuration, 'utf8')));
    },
    start(hosts) {
      const root = join(dirname(hosts), 'root');
      mkdirSync(dirname(join(root, CERTS_DIRECTORY)), { recursive: true });
      symlinkSync(hosts, join(root, CERTS_DIRECTORY));
      const agent = createGardenerNodeAgent({
        root,
        clock: systemClock,
        // The addresses of caches are those of the shoot's network.
        probe: async (url, signal) => probeByHttp(await reach(url), signal),
      });
      const ended = new AbortController();
      const apply = async (): Promise<void> => {
        if (config !== undefined) await agent.apply(config, ended.signal);
      };
      // A node joins before its configuration counts as applied.
      const background = apply().catch((error: unknown) => {
        if (!ended.signal.aborted) throw error;
      });
      running = { apply, ended, background };
    },
    async configure(next) {
      config = next;
      await running?.apply();
    },
    async stop() {
      const node = running;
      running = undefined;
      node?.ended.abort();
      await node?.background;
    },
  };
}
