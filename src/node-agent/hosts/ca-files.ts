import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import { replaceFile, TEMPORARY } from '../../kit/replace-file.ts';
import { CA_FILE_NAME, caFileName, HOSTS_TOML } from './hosts-toml.ts';
import { namesIn, readOurFile } from './ownership.ts';

/**
 * containerd reads a hosts.toml first and then its certificates, and fails the pull if one is missing ("unable to read CA cert",
 * `config/hosts.go` of 1.6 to 2.3). In between lie microseconds, or up to this long on a machine that stands still.
 */
const LINGER_MS = 1_000;

/** CA certificates that hosts.toml files name. They lie beside the upstreams' directories, because many files share one. */
export interface CaFiles {
  /** Writes the certificate, before a hosts.toml names it. */
  provide(pem: string): Promise<void>;
  /**
   * Removes certificates that no hosts.toml of ours has named for a second, and returns how many unnamed ones are left. Throws if the names
   * cannot be read, and then removes nothing.
   */
  sweep(): Promise<number>;
}

export function createCaFiles(root: string, clock: Clock): CaFiles {
  const unnamedSince = new Map<string, number>();

  return {
    async provide(pem) {
      await mkdir(root, { recursive: true, mode: 0o755 });
      await replaceFile(join(root, caFileName(pem)), pem, 0o644);
    },
    async sweep() {
      const names = await namesIn(root);
      const named = await namedBy(root, names);
      const unnamed = names.filter((name) => isOurs(name) && !named.has(name));
      for (const name of unnamedSince.keys()) if (!unnamed.includes(name)) unnamedSince.delete(name);
      for (const name of unnamed) {
        const now = clock.monotonic();
        const since = unnamedSince.get(name) ?? now;
        unnamedSince.set(name, since);
        if (now - since < LINGER_MS) continue;
        await rm(join(root, name), { force: true });
        unnamedSince.delete(name);
      }
      return unnamedSince.size;
    },
  };
}

/** Certificates that the existing files name. These count, and not the intended files, since a write may have failed. */
async function namedBy(root: string, names: readonly string[]): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(names.map((name) => readOurFile(join(root, name, HOSTS_TOML))));
  return new Set(texts.flatMap((text) => text?.match(/\blarder-ca-[0-9a-f]{16}\.pem\b/g) ?? []));
}

function isOurs(name: string): boolean {
  return CA_FILE_NAME.test(name.endsWith(TEMPORARY) ? name.slice(0, -TEMPORARY.length) : name);
}
