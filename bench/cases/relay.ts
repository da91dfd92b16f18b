import { setTimeout as pause } from 'node:timers/promises';
import { createTestPki } from '../../test/kit/index.ts';
import { cpuSeconds, peakMegabytes, residentMegabytes } from '../measure/process-usage.ts';
import { compare, type Row } from '../measure/row.ts';
import { takeTurns } from '../measure/samples.ts';
import { drain } from '../measure/sink.ts';
import { startLarder, UPSTREAM } from '../peers/larder.ts';
import { startNodeAgent } from '../peers/node-agent.ts';
import type { Case } from './case.ts';
import { proveBlob } from './proof.ts';

/** Time after the start in which V8 collects the garbage of the start. */
const REST_MS = 15_000;

/** GETs of a stored blob through the relay of a node, compared with GETs directly from the cache over TLS. */
export const relay: Case = {
  name: 'relay',
  parts: ['python3'],
  async run({ effort, origin }) {
    const pki = createTestPki();
    await using cache = await startLarder({ origin: origin.url, tls: pki.server() });
    await using agent = await startNodeAgent({ cache: cache.url, ca: pki.caPem });
    await pause(REST_MS);
    const atRest = residentMegabytes(agent.pid);
    const { path, layer } = await origin.push(effort.blobBytes);
    const blob = `${path}/blobs/${layer.digest}?ns=${UPSTREAM}`;
    const ways = {
      larder: { url: `${agent.url}${blob}`, pid: agent.pid },
      direct: { url: `${cache.url}${blob}`, pid: cache.pid },
    };
    await proveBlob(ways.direct.url, layer, pki.caPem);
    await proveBlob(ways.larder.url, layer, agent.authority);

    const rows: Row[] = [];
    let underOne = 0;
    for (const callers of [1, 4]) {
      const samples = await takeTurns(['larder', 'direct'] as const, effort.rounds, async (name) => {
        const { url, pid } = ways[name];
        const before = cpuSeconds(pid);
        const { seconds, bytes } = await drain({ url, callers, gets: effort.gets, drop: true });
        return { rate: bytes / 1e9 / seconds, cpu: ((cpuSeconds(pid) - before) / bytes) * 1e9 };
      });
      const what = `relay, ${callers} ${callers === 1 ? 'caller that drops' : 'callers that drop'} it`;
      rows.push(
        ...compare({ what, unit: 'GB/s', better: 'more' }, samples, 'rate'),
        ...compare({ what: `${what}, relay's CPU`, unit: 's/GB', better: 'less' }, samples, 'cpu'),
      );
      if (callers === 1) underOne = peakMegabytes(agent.pid);
    }
    const memory = { larder: [{ peak: underOne }], 'at rest': [{ peak: atRest }] };
    return [
      ...rows,
      ...compare({ what: 'relay, peak memory under 1 caller', unit: 'MB', better: 'less' }, memory, 'peak'),
    ];
  },
};
