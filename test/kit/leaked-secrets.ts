/** Looks for the register's secrets where a cache leaves traces. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { secretsIn } from './secrets.ts';

/**
 * Fails when a secret that this process gave out stands in one of the texts, in a name below the store, or in one of its files of
 * at most 1 MiB: the index, manifests, small blobs, and whatever else might come to lie there.
 *
 * @throws Error that says where, and whose secret it is.
 */
export function assertNoSecrets(texts: Readonly<Record<string, string>>, store: string): void {
  const files = filesBelow(store);
  const found = findings({ ...texts, 'a name in its store': files.join('\n') });
  // A name that shows a secret is not repeated.
  if (found.length === 0) {
    for (const file of files) found.push(...findings({ [file]: readSmall(join(store, file)) }));
  }
  if (found.length > 0) throw new Error(`larder shows secrets: ${found.join('; ')}`);
}

const LARGEST = 1 << 20;

function findings(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([place, text]) =>
    secretsIn(text).map((whose) => `${whose} in ${place}`),
  );
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
