import { cpuSeconds } from '../measure/process-usage.ts';
import { compare, type Row } from '../measure/row.ts';
import { takeTurns } from '../measure/samples.ts';
import { requestsPerSecond } from '../measure/wrk.ts';
import { startCaches, type CacheName } from '../peers/caches.ts';
import type { Case } from './case.ts';
import { proveManifest } from './proof.ts';

/** GETs of a stored manifest, by digest and by tag, over 32 kept connections. */
export const warmManifest: Case = {
  name: 'warm-manifest',
  parts: ['wrk', 'nginx', 'registry3'],
  async run({ effort, origin }) {
    await using caches = await startCaches(['larder', 'nginx', 'distribution'], { origin: origin.url });
    const image = await origin.push(1000);
    const references = { digest: image.manifest, tag: 'latest' };
    const rows: Row[] = [];
    for (const [by, reference] of Object.entries(references)) {
      const urlOf = (name: CacheName): string =>
        `${caches.get(name).url}${image.path}/manifests/${reference}`;
      for (const name of caches.names) {
        // The first read is cold, the second one warm.
        await proveManifest(urlOf(name), image);
        await proveManifest(urlOf(name), image);
      }
      const samples = await takeTurns(caches.names, effort.rounds, async (contestant) => {
        const { pid } = caches.get(contestant);
        const before = cpuSeconds(pid);
        const rate = await requestsPerSecond(urlOf(contestant), effort.manifestSeconds);
        const answers = rate * effort.manifestSeconds;
        return { rate, cpu: ((cpuSeconds(pid) - before) * 1e6) / answers };
      });
      const what = `warm manifest by ${by}`;
      rows.push(
        ...compare({ what, unit: 'answers/s', better: 'more' }, samples, 'rate'),
        ...compare({ what: `${what}, CPU`, unit: 'us/answer', better: 'less' }, samples, 'cpu'),
      );
    }
    return [...rows, ...caches.memoryRows('warm manifest')];
  },
};
