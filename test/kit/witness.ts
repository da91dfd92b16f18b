/** Looks for the register's secrets where a cache leaves traces. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { get } from './client.ts';
import { hasSecrets, secretsIn } from './secrets.ts';

/** Sees what one process shows while it lives. It costs nothing as long as this process has given out no secret. */
export interface Witness {
  /** Keeps the command line and what the admin listener tells, for {@link Witness.judge}. Call it while the process lives. */
  look(process: { readonly pid: number | undefined; readonly admin: string }): Promise<void>;
  /**
   * Fails when a secret stands in what was kept, in the log, in a name below the store, or in one of its files of at most 1 MiB: the
   * index, manifests, small blobs, and whatever else might come to lie there.
   *
   * @throws Error that says where, and whose secret it is.
   */
  judge(traces: { readonly log: string; readonly store: string }): void;
}

/** A {@link Witness} that has seen nothing. */
export function createWitness(): Witness {
  const shown: Record<string, string> = {};
  return {
    async look({ pid, admin }) {
      if (!hasSecrets()) return;
      shown['its command line'] = commandLineOf(pid);
      for (const path of ['/metrics', '/api/v1/stats']) {
        const signal = AbortSignal.timeout(LOOK_MS);
        const answer = await get(`${admin}${path}`, { signal }).catch(() => undefined);
        if (answer) shown[path] = answer.text();
      }
    },
    judge({ log, store }) {
      if (!hasSecrets()) return;
      const files = filesBelow(store);
      const found = findings({ ...shown, 'its log': log, 'a name in its store': files.join('\n') });
      // A name that shows a secret is not repeated.
      if (found.length === 0) {
        for (const file of files) found.push(...findings({ [file]: readSmall(join(store, file)) }));
      }
      if (found.length > 0) throw new Error(`larder shows secrets: ${found.join('; ')}`);
    },
  };
}

/** A process that does not even answer this soon has nothing more to show. */
const LOOK_MS = 3000;

const LARGEST = 1 << 20;

function findings(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([place, text]) =>
    secretsIn(text).map((whose) => `${whose} in ${place}`),
  );
}

/** As others on the machine see it; empty where there is no /proc. */
function commandLineOf(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' });
}

/** Empty for a directory, a large file, and one that somebody else takes away or keeps shut. */
function readSmall(file: string): string {
  try {
    const { size } = statSync(file);
    return size <= LARGEST ? readFileSync(file, 'latin1') : '';
  } catch {
    return '';
  }
}
