import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from './catalog.ts';
import type { ContentIndex } from '../index/content-index.ts';
import { digestsIn } from '../files/blob-folders.ts';
import type { Layout } from '../files/layout.ts';

export interface WalkDeps {
  readonly layout: Layout;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
}

export interface WalkResult {
  /** Files that the index did not have. */
  readonly added: number;
  /** Rows whose files are gone. */
  readonly removed: number;
}

/** Files entered in one transaction. Bounds how long the event loop is blocked to about 5 ms. */
const BATCH = 64;

/**
 * Makes the index agree with the files. Reads the folders of `blobs/` one after the other, and looks only at digests that either files or
 * index lack. With a good index this takes a few hundred `readdir` and no `stat`; with a new one it is the rebuild. Content can be opened,
 * added and removed meanwhile. Ends early when `signal` aborts.
 */
export async function walkFiles(deps: WalkDeps, signal: AbortSignal): Promise<WalkResult> {
  const { layout, index, catalog } = deps;
  let added = 0;
  let removed = 0;
  for (const [algorithm, prefix] of folders()) {
    if (signal.aborted) break;
    const path = join(layout.blobs, algorithm, prefix);
    const files = await digestsIn({ algorithm, path }).catch((): Digest[] => []);
    // No await from here to the comparison, so that both are of the same moment.
    const rows = new Set(index.digestsWith(`${algorithm}:${prefix}`));
    const unknown = files.filter((digest) => !rows.delete(digest));
    for (const digest of rows) if (!existsSync(layout.blob(digest)) && catalog.remove(digest)) removed += 1;
    for (let at = 0; at < unknown.length && !signal.aborted; at += BATCH) {
      index.transaction(() => {
        for (const digest of unknown.slice(at, at + BATCH)) if (catalog.get(digest) !== undefined) added += 1;
      });
      await nextTurn();
    }
  }
  return { added, removed };
}

function* folders(): Generator<[algorithm: string, prefix: string]> {
  for (const algorithm of ['sha256', 'sha512']) {
    for (let byte = 0; byte < 256; byte += 1) yield [algorithm, byte.toString(16).padStart(2, '0')];
  }
}
