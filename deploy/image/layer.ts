import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { digestOf, type Digest } from '../../src/oci/digest.ts';
import { tarOf, type TarEntry } from './tar.ts';

export interface Layer {
  readonly blob: Uint8Array;
  /** Digest of the archive before compression. */
  readonly diffId: Digest;
  /** Entry in the image's history. */
  readonly comment: string;
}

const compress = promisify(gzip);

/**
 * Builds a layer of these files, sorted, with their directories, all dated `epoch`. The same files give the same layer on every
 * machine.
 */
export async function layerOf(comment: string, entries: readonly TarEntry[], epoch: number): Promise<Layer> {
  const archive = tarOf(withParents(entries), epoch);
  // Level 9 would take three times as long and save 0.3 % of Node.js.
  return { blob: await compress(archive, { level: 6 }), diffId: digestOf(archive), comment };
}

function withParents(entries: readonly TarEntry[]): TarEntry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  if (byName.size < entries.length) throw new Error('two files of a layer have the same name');
  for (const { name } of entries)
    for (let end = name.indexOf('/'); end !== -1 && end < name.length - 1; end = name.indexOf('/', end + 1)) {
      const parent = name.slice(0, end + 1);
      if (!byName.has(parent)) byName.set(parent, { name: parent, mode: 0o755 });
    }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
