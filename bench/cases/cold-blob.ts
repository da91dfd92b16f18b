import { cpuSeconds } from '../measure/process-usage.ts';
import { compare, type Row } from '../measure/row.ts';
import { takeTurns } from '../measure/samples.ts';
import { drain } from '../measure/sink.ts';
import { run } from '../../test/parts/run.ts';
import { startCaches } from '../peers/caches.ts';
import type { PushedImage } from '../peers/origin.ts';
import type { Case } from './case.ts';
import { proveBlob } from './proof.ts';

/** Rate of a fast link to a registry, which shows what a user notices. The full speed of loopback shows the cost of the cache. */
const LINK_BYTES_PER_SECOND = 100e6;

/** GETs of a blob that no caller has requested before, a new one in each round, through each cache and directly from the origin. */
export const coldBlob: Case = {
  name: 'cold-blob',
  parts: ['python3', 'nginx', 'registry3'],
  async run({ effort, origin }) {
    await using caches = await startCaches(['larder', 'nginx', 'distribution'], { origin: origin.url });
    const contestants = ['origin', ...caches.names] as const;
    const rows: Row[] = [];
    for (const speed of ['full speed', '100 MB/s'] as const) {
      if (speed === '100 MB/s') await origin.slowDown(LINK_BYTES_PER_SECOND);
      const images: PushedImage[] = [];
      for (let round = 0; round <= effort.rounds; round += 1)
        images.push(await origin.push(effort.blobBytes));
      const urlOf = (name: (typeof contestants)[number], { path, layer }: PushedImage): string =>
        `${(name === 'origin' ? origin : caches.get(name)).url}${path}/blobs/${layer.digest}`;
      const proof = await origin.push(1 << 20);
      for (const name of contestants) await proveBlob(urlOf(name, proof), proof.layer);

      const samples = await takeTurns(contestants, effort.rounds, async (contestant, round) => {
        const { pid } = contestant === 'origin' ? origin : caches.get(contestant);
        // No contestant must wait until the disk has the writes of the previous one.
        await run('sync', []);
        const before = cpuSeconds(pid);
        const { seconds, bytes } = await drain({ url: urlOf(contestant, images[round]!), drop: true });
        return { seconds, cpu: (cpuSeconds(pid) - before) / (bytes / 1e9) };
      });
      const what = `cold blob, origin at ${speed}`;
      rows.push(...compare({ what, unit: 's', better: 'less' }, samples, 'seconds'));
      const { origin: _, ...withoutOrigin } = samples;
      rows.push(...compare({ what: `${what}, CPU`, unit: 's/GB', better: 'less' }, withoutOrigin, 'cpu'));
    }
    await origin.reset();
    return [...rows, ...caches.memoryRows('cold blob')];
  },
};
