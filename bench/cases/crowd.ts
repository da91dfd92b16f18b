import { cpuSeconds } from '../measure/process-usage.ts';
import { compare } from '../measure/row.ts';
import { takeTurns } from '../measure/samples.ts';
import { drain } from '../measure/sink.ts';
import { run } from '../../test/parts/run.ts';
import { startCaches } from '../peers/caches.ts';
import type { Case } from './case.ts';
import { proveBlob } from './proof.ts';

const CALLERS = 30;

/** 30 callers request a blob at once that no caller has requested before. Each cache gets a new blob in each round. */
export const crowd: Case = {
  name: 'crowd',
  parts: ['python3', 'nginx', 'registry3'],
  async run({ effort, origin }) {
    await using caches = await startCaches(['larder', 'nginx', 'distribution'], { origin: origin.url });
    const proof = await origin.push(1 << 20);
    for (const name of caches.names) {
      const url = `${caches.get(name).url}${proof.path}/blobs/${proof.layer.digest}`;
      await Promise.all(Array.from({ length: CALLERS }, () => proveBlob(url, proof.layer)));
    }
    const samples = await takeTurns(caches.names, effort.rounds, async (contestant) => {
      const { path, layer } = await origin.push(effort.crowdBlobBytes);
      const { url, pid } = caches.get(contestant);
      await run('sync', []);
      await origin.reset();
      const before = cpuSeconds(pid);
      const drained = await drain({
        url: `${url}${path}/blobs/${layer.digest}`,
        callers: CALLERS,
        drop: true,
      });
      const cpu = (cpuSeconds(pid) - before) / (drained.bytes / 1e9);
      const { gets, bytes } = await origin.count(layer.digest);
      return { seconds: drained.seconds, cpu, gets, bodies: bytes / layer.size };
    });
    const what = '30 callers, cold blob';
    return [
      ...compare({ what, unit: 's', better: 'less' }, samples, 'seconds'),
      ...compare({ what: `${what}, upstream GETs`, unit: 'count', better: 'less' }, samples, 'gets'),
      ...compare({ what: `${what}, upstream bytes`, unit: 'x body', better: 'less' }, samples, 'bodies'),
      ...compare({ what: `${what}, CPU`, unit: 's/GB', better: 'less' }, samples, 'cpu'),
      ...caches.memoryRows(what),
    ];
  },
};
