import { createTestPki } from '../../test/kit/index.ts';
import { cpuSeconds } from '../measure/process-usage.ts';
import { compare, type Row } from '../measure/row.ts';
import { takeTurns } from '../measure/samples.ts';
import { drain } from '../measure/sink.ts';
import { startCaches, type CacheName, type Caches } from '../peers/caches.ts';
import type { Case, Setting } from './case.ts';
import { negotiated, proveBlob } from './proof.ts';

/** GETs of a stored blob over plain HTTP. */
export const warmBlob: Case = {
  name: 'warm-blob',
  parts: ['python3', 'nginx', 'registry3'],
  async run(setting) {
    await using caches = await startCaches(['larder', 'nginx', 'distribution'], {
      origin: setting.origin.url,
    });
    return await measure(setting, caches, 'warm blob', [
      { name: '1 caller', callers: 1, drop: false },
      { name: '1 caller that drops it', callers: 1, drop: true },
      { name: '4 callers that drop it', callers: 4, drop: true },
    ]);
  },
};

/** GETs of a stored blob over TLS 1.3 with one P-256 key. Callers drop the body, because they do not decrypt it (`sink.py`). */
export const warmBlobTls: Case = {
  name: 'warm-blob-tls',
  parts: ['python3', 'nginx'],
  async run(setting) {
    const pki = createTestPki();
    const options = { origin: setting.origin.url, tls: pki.server() };
    await using caches = await startCaches(['larder', 'nginx'], options);
    const [ours, theirs] = await Promise.all(
      caches.names.map((name) => negotiated(caches.get(name).url, pki.caPem)),
    );
    if (ours !== theirs) throw new Error(`Larder speaks ${ours}, nginx ${theirs}: they cannot be compared`);
    const ways = [
      { name: '1 caller that drops it', callers: 1, drop: true },
      { name: '4 callers that drop it', callers: 4, drop: true },
    ];
    return await measure(setting, caches, 'warm blob, TLS', ways, pki.caPem);
  },
};

/** Way in which callers receive a body (`sink.py`). */
interface Way {
  readonly name: string;
  readonly callers: number;
  readonly drop: boolean;
}

async function measure(
  { effort, origin }: Setting,
  caches: Caches,
  what: string,
  ways: readonly Way[],
  ca?: string,
): Promise<readonly Row[]> {
  const { path, layer } = await origin.push(effort.blobBytes);
  const urlOf = (name: CacheName): string => `${caches.get(name).url}${path}/blobs/${layer.digest}`;
  for (const name of caches.names) {
    // The first read is cold, the second one warm.
    await proveBlob(urlOf(name), layer, ca);
    await proveBlob(urlOf(name), layer, ca);
  }
  const rows: Row[] = [];
  for (const { name, callers, drop } of ways) {
    const samples = await takeTurns(caches.names, effort.rounds, async (contestant) => {
      const { pid } = caches.get(contestant);
      const before = cpuSeconds(pid);
      const { seconds, bytes } = await drain({ url: urlOf(contestant), callers, gets: effort.gets, drop });
      const gigabytes = bytes / 1e9;
      return { rate: gigabytes / seconds, cpu: (cpuSeconds(pid) - before) / gigabytes };
    });
    rows.push(
      ...compare({ what: `${what}, ${name}`, unit: 'GB/s', better: 'more' }, samples, 'rate'),
      ...compare({ what: `${what}, ${name}, CPU`, unit: 's/GB', better: 'less' }, samples, 'cpu'),
    );
  }
  return [...rows, ...caches.memoryRows(what)];
}
