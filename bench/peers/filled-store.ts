import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get, waitFor } from '../../test/kit/index.ts';
import { startLarder } from './larder.ts';

const INDEX_LIMIT_MS = 5 * 60_000;

/**
 * Fills a store with `objects` small blobs. It writes the files of the store (`blobs/sha256/<first two>/<hex>`) and lets Larder build
 * the index. This takes seconds; 100 000 downloads would take an hour.
 */
export async function fillStore(directory: string, objects: number, origin: string): Promise<void> {
  const blobs = `${directory}/blobs/sha256`;
  for (let byte = 0; byte < 256; byte += 1) {
    mkdirSync(`${blobs}/${byte.toString(16).padStart(2, '0')}`, { recursive: true });
  }
  for (let number = 0; number < objects; number += 1) {
    const content = `object ${number}`;
    const hex = createHash('sha256').update(content).digest('hex');
    writeFileSync(`${blobs}/${hex.slice(0, 2)}/${hex}`, content);
  }
  await using larder = await startLarder({ origin, store: directory });
  const indexed = async (): Promise<boolean> => {
    const { store } = (await get(`${larder.admin}/api/v1/stats`)).json() as { store: { objects: number } };
    return store.objects === objects;
  };
  await waitFor(indexed, { limitMs: INDEX_LIMIT_MS, everyMs: 200, what: `an index of ${objects} objects` });
}
