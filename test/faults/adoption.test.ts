/** A volume of a Distribution registry with very much content, behind `larder serve --distribution-config`, whose upstream is away. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { cpuSeconds, peakMegabytes } from '../../bench/measure/process-usage.ts';
import { digestOf, type Digest } from '../../src/oci/digest.ts';
import {
  get,
  machineOf,
  measureMachine,
  startLarder,
  tempDir,
  waitFor,
  type LarderOptions,
  type LarderProcess,
} from '../kit/index.ts';
import { measure } from '../kit/machine.ts';
import type { TempDir } from '../kit/temp.ts';
import { freePort } from '../parts/free-port.ts';
import { distributionTree, type DistributionTree } from '../store/distribution-tree.ts';
import type { Body } from '../store/harness.ts';
import { HEAVY } from './setting.ts';

const BLOBS_EACH = 9;
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

const heavyOnly = { skip: HEAVY ? false : 'takes a minute: LARDER_HEAVY=1' };

test(
  'very many blobs are adopted behind the listener, and all can be pulled meanwhile',
  heavyOnly,
  async (t) => {
    // 200 000 take 4 minutes, most of them to write the volume and to remove it.
    const asked = Number(process.env['LARDER_ADOPTED_BLOBS'] ?? 0);
    const blobs = asked > 0 ? asked : Math.ceil((await measureMachine()).size(50_000, 10_000) / 50) * 50;
    using files = tempDir();
    const madeAt = performance.now();
    const volume = await writeVolume(files, blobs);
    const { store, layersOf } = volume;
    t.diagnostic(`a volume of ${blobs} blobs was made in ${secondsSince(madeAt)} s`);

    const startedAt = performance.now();
    await using larder = await startLarder(volume);
    const first = await get(`${larder.registry}/v2/team/app0/manifests/v1`);
    const firstMs = performance.now() - startedAt;
    assert.equal(first.status, 200);
    assert.equal(first.headers['content-type'], MANIFEST_TYPE);

    const during = await measureGets(larder, layersOf, () => !isThere(store));
    const seconds = secondsSince(startedAt);
    const [cpu, memory] = [cpuSeconds(larder.pid), peakMegabytes(larder.pid)];
    const machine = machineOf(await measure());
    const after = await measureGets(larder, layersOf, (count) => count >= Math.min(during.length, 2_000));
    t.diagnostic(
      `first answer after ${firstMs.toFixed(0)} ms, all adopted after ${seconds} s, ` +
        `${cpu.toFixed(1)} s of CPU, ${memory.toFixed(0)} MB at most, slowness ${machine.slowness.toFixed(1)}`,
    );
    t.diagnostic(`GET meanwhile: ${textOf(during)}; afterwards: ${textOf(after)}`);

    assert.equal(await larder.metric('larder_store_adoption_pending_bytes'), 0);
    assert.equal(await objectsIn(larder), blobs);
    assert.ok(memory < 400, `${memory} MB`);
    assert.ok(firstMs < machine.limit(2_000), `the first answer came after ${firstMs} ms`);
    assert.ok(quantile(during, 0.99) < machine.limit(100), `p99 ${quantile(during, 0.99)} ms`);
  },
);

test('a cache that is killed while it adopts goes on at its next start', heavyOnly, async () => {
  using files = tempDir();
  const volume = await writeVolume(files, 2_000);
  for (const share of [0.1, 0.4, 0.8]) {
    await using larder = await startLarder(volume);
    await waitFor(async () => (await objectsIn(larder)) > 2_000 * share, { everyMs: 1 });
    await larder.stop('SIGKILL');
  }
  await using larder = await startLarder(volume);
  await waitFor(() => !isThere(volume.store));
  assert.equal(await objectsIn(larder), 2_000);
  for (const [image, layers] of volume.layersOf.entries()) {
    const repository = `${larder.registry}/v2/team/app${image}`;
    assert.equal((await get(`${repository}/manifests/v1`)).status, 200);
    for (const layer of layers) assert.equal((await get(`${repository}/blobs/${layer}`)).digest, layer);
  }
});

/** A volume of a Distribution registry, and the flags of a cache that uses it. The upstream is away. */
interface Volume extends Pick<LarderOptions, 'ownFlags'> {
  readonly store: string;
  /** Blobs of each image, in a repository of its own. */
  readonly layersOf: readonly (readonly Digest[])[];
}

/** Writes `blobs` bodies. A fifth of them is in images of 9 blobs and a manifest; no repository has the others. */
async function writeVolume(files: TempDir, blobs: number): Promise<Volume> {
  const store = join(files.path, 'registry');
  const tree = distributionTree(store);
  const layersOf = Array.from({ length: blobs / 50 }, (_, image) => writeImage(tree, image));
  const loose = blobs - layersOf.length * (BLOBS_EACH + 1);
  for (let at = 0; at < loose; at += 1) tree.blob(bodyOf(`blob ${at}\n`));
  const config = files.write('config.yml', await configText(store));
  return { store, layersOf, ownFlags: ['--distribution-config', config] };
}

function isThere(store: string): boolean {
  return existsSync(join(store, 'docker'));
}

async function objectsIn({ admin }: LarderProcess): Promise<number> {
  const stats = (await get(`${admin}/api/v1/stats`)).json() as { store: { objects: number } };
  return stats.store.objects;
}

/** Writes an image with its own blobs, and returns them. */
function writeImage(tree: DistributionTree, image: number): Digest[] {
  const repository = `team/app${image}`;
  const blobs = Array.from({ length: BLOBS_EACH }, (_, at) => bodyOf(`blob ${at} of image ${image}\n`));
  const descriptors = blobs.map(({ digest, content }) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest,
    size: content.length,
  }));
  const [configuration, ...layers] = descriptors;
  const manifest = bodyOf(
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: configuration, layers }),
  );
  for (const blob of blobs) {
    tree.blob(blob);
    tree.link(repository, '_layers', blob.digest);
  }
  tree.blob(manifest);
  tree.link(repository, '_manifests/revisions', manifest.digest);
  tree.tag(repository, 'v1', manifest.digest);
  return blobs.map(({ digest }) => digest);
}

function bodyOf(text: string): Body {
  const content = Buffer.from(text);
  return { digest: digestOf(content), content };
}

/** Requests a tag and a blob of one image after the other until `isDone`. Returns the times in milliseconds, sorted. */
async function measureGets(
  { registry }: LarderProcess,
  layersOf: Volume['layersOf'],
  isDone: (count: number) => boolean,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  // Steps through all images in an order that is not that of the adoption.
  for (let image = 1; !isDone(times.length); image = (image + 199) % layersOf.length) {
    for (const path of ['manifests/v1', `blobs/${layersOf[image]![times.length % BLOBS_EACH]}`]) {
      const startedAt = performance.now();
      const answer = await get(`${registry}/v2/team/app${image}/${path}`, { agent });
      times.push(performance.now() - startedAt);
      assert.equal(answer.status, 200, `${image} ${path}: ${answer.text()}`);
      assert.ok(answer.complete);
    }
  }
  agent.destroy();
  return times.sort((one, other) => one - other);
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function textOf(times: readonly number[]): string {
  const [median, p99, most] = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(1));
  return `${times.length}, median ${median} ms, p99 ${p99} ms, at most ${most} ms`;
}

async function configText(store: string): Promise<string> {
  return JSON.stringify({
    version: '0.1',
    log: { formatter: 'json' },
    storage: { delete: { enabled: true }, filesystem: { rootdirectory: store } },
    http: {
      addr: '127.0.0.1:0',
      debug: { addr: '127.0.0.1:0', prometheus: { enabled: true, path: '/metrics' } },
    },
    proxy: { remoteurl: `http://127.0.0.1:${await freePort()}`, ttl: '168h' },
  });
}
