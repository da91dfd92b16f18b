/** Searches the traces of a cache for the register's secrets. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { get } from './client.ts';
import { hasSecrets, secretsIn } from './secrets.ts';

/** Collects what one process shows while it lives. Costs nothing as long as the test has no secret. */
export interface Witness {
  /** Keeps the command line and the answers of the admin listener for {@link Witness.judge}. Call it while the process lives. */
  look(process: { readonly pid: number | undefined; readonly admin: string }): Promise<void>;
  /**
   * Fails if a secret is in the collected text, in the log, in a name below the store, or in a file of at most 1 MiB there: the
   * index, manifests, small blobs, and any other.
   *
   * @throws Error with the place and the owner of the secret.
   */
  judge(traces: { readonly log: string; readonly store: string }): void;
}

/** A {@link Witness} that has collected nothing yet. */
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

/** Time for the admin listener's answer. A process that does not answer in time shows nothing more. */
const LOOK_MS = 3000;

const LARGEST = 1 << 20;

function findings(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([place, text]) =>
    secretsIn(text).map((whose) => `${whose} in ${place}`),
  );
}

/** The command line as other users of the machine see it; empty without /proc. */
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

/** Reads a file; empty for a directory, a large file, and one that is gone or unreadable. */
function readSmall(file: string): string {
  try {
    const { size } = statSync(file);
    return size <= LARGEST ? readFileSync(file, 'latin1') : '';
  } catch {
    return '';
  }
}
