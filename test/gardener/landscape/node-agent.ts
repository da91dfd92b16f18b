/**
 * The part of Gardener's node agent that writes `certs.d` (gardener v1.147.1, `pkg/nodeagent/controller/operatingsystemconfig`): it makes a directory
 * before it probes, writes `hosts.toml` in place, removes the directories of entries that it has lost, and looks at no others.
 */
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface GardenerNodeAgentDeps {
  /** The directory `certs.d`. */
  readonly root: string;
  /** Resolves once a host of the upstream answers. */
  readonly probe: (upstream: string) => Promise<void>;
  /** Called between two steps at the disk. */
  readonly pause: () => Promise<void>;
}

/** First line of its files. */
export const GARDENER_MARKER = '# managed by gardener-node-agent';

/** Errors of a directory that another program changes at the same time. */
const CHANGED: readonly unknown[] = ['ENOENT', 'ENOTEMPTY', 'EEXIST'];

export function createGardenerNodeAgent({ root, probe, pause }: GardenerNodeAgentDeps) {
  let applied: ReadonlySet<string> = new Set();
  return {
    /** Carries out a configuration with these upstreams. One that equals the last one changes nothing. A failure is repeated from the beginning. */
    async apply(upstreams: readonly string[]): Promise<void> {
      const wanted = new Set(upstreams);
      if (wanted.symmetricDifference(applied).size === 0) return;
      while (!(await carriedOut(wanted)));
      applied = wanted;
    },
  };

  async function carriedOut(wanted: ReadonlySet<string>): Promise<boolean> {
    try {
      for (const upstream of wanted) await write(upstream);
      for (const upstream of applied.difference(wanted)) {
        await pause();
        await rm(join(root, upstream), { recursive: true, force: true });
      }
      return true;
    } catch (error) {
      if (CHANGED.includes((error as NodeJS.ErrnoException).code)) return false;
      throw error;
    }
  }

  async function write(upstream: string): Promise<void> {
    const directory = join(root, upstream);
    await mkdir(directory, { recursive: true });
    await pause();
    await probe(upstream);
    const file = await open(join(directory, 'hosts.toml'), 'w', 0o644);
    try {
      await pause();
      await file.writeFile(`${GARDENER_MARKER}\nserver = "https://${upstream}"\n`);
    } finally {
      await file.close();
    }
  }
}
