/**
 * Gardener's node agent (gardener v1.149.3, `pkg/nodeagent/controller/operatingsystemconfig`), as far as files and containerd's registries
 * go: units and packages are left out.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../src/kit/clock.ts';
import { CERTS_DIRECTORY, createNodeRegistries, type NodeRegistry, type Probe } from './node-registries.ts';

export interface GardenerNodeAgentDeps {
  /** Directory that stands for `/` of the node. */
  readonly root: string;
  readonly clock: Clock;
  /** Asks a host of a registry. Rejects if nothing answers. */
  readonly probe: Probe;
  /** Called between two steps at the disk. */
  readonly pause?: () => Promise<void>;
}

/** The fields of an OperatingSystemConfig that this agent reads. */
export interface NodeConfig {
  readonly spec: {
    readonly files?: readonly NodeFile[];
    readonly criConfig?: { readonly containerd?: { readonly registries?: readonly NodeRegistry[] } };
  };
}

export interface NodeFile {
  readonly path: string;
  /** Octal. Default: 0644. */
  readonly permissions?: number;
  readonly content: {
    readonly inline?: { readonly encoding?: string; readonly data: string };
    readonly secretRef?: object;
  };
}

export interface GardenerNodeAgent {
  /**
   * Carries a configuration out, and resolves once every registry with a probe has answered. One that was applied already changes nothing, also if
   * its files are gone. Rejects with the reason of an abort, or with an error of the disk: the next call begins anew, and goes on from what was
   * applied last.
   */
  apply(config: NodeConfig, signal?: AbortSignal): Promise<void>;
}

/** Place of the configuration that was applied last. */
const APPLIED = 'var/lib/gardener-node-agent/last-applied-osc.json';

export function createGardenerNodeAgent(deps: GardenerNodeAgentDeps): GardenerNodeAgent {
  const { root, pause = async () => {} } = deps;
  const applied = join(root, APPLIED);
  const registries = createNodeRegistries({ ...deps, pause, directory: join(root, CERTS_DIRECTORY) });

  async function writeFiles(files: readonly NodeFile[]): Promise<void> {
    for (const file of files) {
      if (file.content.inline === undefined) continue;
      const { encoding, data } = file.content.inline;
      const path = join(root, file.path);
      await mkdir(dirname(path), { recursive: true });
      await pause();
      // Files of a configuration are written beside their place first; only those of registries are not.
      await writeFile(`${path}.gardener-new`, encoding === 'b64' ? Buffer.from(data, 'base64') : data, {
        mode: file.permissions ?? 0o644,
      });
      await rename(`${path}.gardener-new`, path);
    }
  }

  return {
    async apply(config, signal = new AbortController().signal) {
      const before = await readFile(applied, 'utf8').catch(() => undefined);
      const last = before === undefined ? undefined : (JSON.parse(before) as NodeConfig);
      if (last !== undefined && checksumOf(last) === checksumOf(config)) return;
      const [wanted, had] = [registriesOf(config), last === undefined ? [] : registriesOf(last)];
      await writeFiles(config.spec.files ?? []);
      const paths = new Set(config.spec.files?.map(({ path }) => path));
      for (const { path } of last?.spec.files ?? [])
        if (!paths.has(path)) await rm(join(root, path), { force: true });
      await registries.write(wanted, had, signal);
      await registries.remove(had.filter(({ upstream }) => !wanted.some((one) => one.upstream === upstream)));
      await mkdir(dirname(applied), { recursive: true });
      await writeFile(`${applied}.new`, JSON.stringify({ spec: config.spec }));
      await rename(`${applied}.new`, applied);
    },
  };
}

function registriesOf({ spec }: NodeConfig): readonly NodeRegistry[] {
  return spec.criConfig?.containerd?.registries ?? [];
}

function checksumOf({ spec }: NodeConfig): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex');
}
