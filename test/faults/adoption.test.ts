/** A volume of a Distribution registry with very much content, behind `larder serve --distribution-config`, whose upstream is away. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { cpuSeconds, peakMegabytes } from '../../bench/measure/process-usage.ts';
import { digestOf, type Digest } from '../../src/oci/digest.ts';
import { get, startLarder, tempDir, type LarderProcess } from '../kit/index.ts';
import { freePort } from '../parts/free-port.ts';
import { distributionTree, type DistributionTree } from '../store/distribution-tree.ts';
import { HEAVY } from './setting.ts';

/** Images, each in a repository of its own, with 39 blobs and a manifest. */
const IMAGES = 500;
const BLOBS_EACH = 39;
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

test(
  '200 000 blobs are adopted behind the listener, and all can be pulled meanwhile',
  { skip: HEAVY ? false : 'takes a minute: LARDER_HEAVY=1' },
  async (t) => {
    using files = tempDir();
    const store = join(files.path, 'registry');
    const tree = distributionTree(store);
    const layersOf = Array.from({ length: IMAGES }, (_, image) => writeImage(tree, image));
    const config = files.write('config.yml', await configText(store));

    const startedAt = performance.now();
    await using larder = await startLarder({ store, ownFlags: ['--distribution-config', config] });
    const first = await get(`${larder.registry}/v2/team/app0/manifests/v1`);
    const firstMs = performance.now() - startedAt;
    assert.equal(first.status, 200);
    assert.equal(first.headers['content-type'], MANIFEST_TYPE);

    const isAdopted = () => !existsSync(join(store, 'docker'));
    const during = await measureGets(larder, layersOf, isAdopted);
    const adoptedMs = performance.now() - startedAt;
    const [cpu, memory] = [cpuSeconds(larder.pid), peakMegabytes(larder.pid)];
    const after = await measureGets(larder, layersOf, (count) => count >= during.length || count >= 2_000);
    t.diagnostic(
      `first answer after ${firstMs.toFixed(0)} ms, all adopted after ${(adoptedMs / 1000).toFixed(1)} s, ` +
        `${cpu.toFixed(1)} s of CPU, ${memory.toFixed(0)} MB at most`,
    );
    t.diagnostic(`GET meanwhile: ${textOf(during)}; afterwards: ${textOf(after)}`);

    assert.equal(await larder.metric('larder_store_adoption_pending_bytes'), 0);
    const stats = (await get(`${larder.admin}/api/v1/stats`)).json() as { store: { objects: number } };
    assert.equal(stats.store.objects, IMAGES * (BLOBS_EACH + 1));
    assert.ok(firstMs < 5_000, `the first answer came after ${firstMs} ms`);
    assert.ok(memory < 400, `${memory} MB`);
    assert.ok(quantile(during, 0.99) < 250, `p99 ${quantile(during, 0.99)} ms`);
  },
);

/** Writes an image with its own blobs, and returns them. */
function writeImage(tree: DistributionTree, image: number): Digest[] {
  const repository = `team/app${image}`;
  const blobs = Array.from({ length: BLOBS_EACH }, (_, at) => {
    const content = Buffer.from(`blob ${at} of image ${image}\n`);
    return { digest: digestOf(content), content };
  });
  const descriptors = blobs.map(({ digest, content }) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest,
    size: content.length,
  }));
  const [configuration, ...layers] = descriptors;
  const content = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: configuration, layers }),
  );
  const manifest = { digest: digestOf(content), content };
  for (const blob of blobs) {
    tree.blob(blob);
    tree.link(repository, '_layers', blob.digest);
  }
  tree.blob(manifest);
  tree.link(repository, '_manifests/revisions', manifest.digest);
  tree.tag(repository, 'v1', manifest.digest);
  return blobs.map(({ digest }) => digest);
}

/** Requests a tag and a blob of one image after the other until `isDone`. Returns the times in milliseconds, sorted. */
async function measureGets(
  { registry }: LarderProcess,
  layersOf: readonly Digest[][],
  isDone: (count: number) => boolean,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  // Steps through all images in an order that is not that of the adoption.
  for (let image = 1; !isDone(times.length); image = (image + 1_999) % IMAGES) {
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
