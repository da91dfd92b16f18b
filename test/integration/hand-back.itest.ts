/**
 * There and back with the real registries of the Distribution project: it fills a volume, Larder takes that over, serves it and hands it
 * back, and Distribution serves it again. The upstream counts, and is away from the take-over on.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  get,
  imageOf,
  indexOf,
  pullImage,
  startLarder,
  startUpstream,
  tempDir,
  waitFor,
  type LarderProcess,
  type Upstream,
} from '../kit/index.ts';
import { treeOf } from '../store/hand-back.ts';
import { requireParts } from '../parts/find.ts';
import { startRegistry, type Registry } from '../parts/start-registry.ts';

const USER = 'robot';
const PASSWORD = 'correct horse';

const image = imageOf({ layers: [300_000, 10] });
const index = indexOf([image, imageOf({ seed: 2, layers: [50_000] })]);
const docker = imageOf({ seed: 3, format: 'docker' });
const PULLED = [
  ['team/app', 'v1'],
  ['team/app', 'multi'],
  ['deep/er/name', 'v1'],
] as const;

describe('there and back', { concurrency: 4 }, () => {
  for (const part of ['registry2', 'registry3'] as const)
    for (const hasLogin of [true, false])
      describe(`${part} ${hasLogin ? 'with' : 'without'} a login`, requireParts([part]), () => {
        test('serves with its upstream away what it stored before, from the same files', async () => {
          using files = tempDir();
          const content = join(files.path, 'content');
          await using upstream = await startUpstream(
            hasLogin ? { auth: 'bearer', users: { [USER]: PASSWORD } } : {},
          );
          upstream.push('team/app', image, 'v1');
          upstream.push('team/app', index, 'multi');
          upstream.push('deep/er/name', docker, 'v1');
          const login = hasLogin ? { username: USER, password: PASSWORD } : undefined;
          const start = (): Promise<Registry> =>
            startRegistry({
              part,
              proxyOf: upstream.url,
              content,
              ...(login !== undefined && { proxyLogin: login }),
            });
          const config = files.write(
            'config.yml',
            JSON.stringify({
              version: 0.1,
              storage: { filesystem: { rootdirectory: content } },
              http: { addr: '127.0.0.1:0', debug: { addr: '127.0.0.1:0', prometheus: { enabled: true } } },
              proxy: { remoteurl: upstream.url, ...login },
            }),
          );
          const startCache = (...flags: string[]): Promise<LarderProcess> =>
            startLarder({ store: content, ownFlags: ['--distribution-config', config, ...flags] });

          const before = await filled(start, content);
          const bodies = bodiesSent(upstream);

          // Without a login, Larder asks once for each repository whether everyone may have it, and fetches nothing.
          if (hasLogin) await upstream.refuse();
          await using cache = await startCache();
          await pullAll(cache.registry);
          await cache.stop();
          await upstream.refuse();

          await using back = await startCache('--hand-back');
          await back.event('hand-back-done');
          assert.equal(await back.metric('larder_store_handed_back'), 1);
          assert.deepEqual(handBackOf((await get(`${back.admin}/api/v1/stats`)).json()), 'done');
          assert.deepEqual(facts(content), before);
          await upstream.accept();
          assert.equal(bodiesSent(upstream), bodies);
          await pullAll(back.registry);
          assert.ok(bodiesSent(upstream) > bodies, 'pulls pass through');
          await back.stop();
          assert.deepEqual(facts(content), before, 'and nothing is stored');

          // Distribution looks at its upstream when it starts, and does not start without.
          await using again = await start();
          await upstream.refuse();
          await pullAll(again.url);
          await again.stop();
          assert.deepEqual(facts(content), before);
        });
      });
});

/** Lets Distribution fetch everything, and returns its files. */
async function filled(start: () => Promise<Registry>, content: string): Promise<object> {
  await using registry = await start();
  const wanted = await pullAll(registry.url);
  // Distribution stores after it has answered, and writes the state of its scheduler every 5 s; version 2.8 not when it ends.
  await waitFor(() => Object.keys(stateOf(content) ?? {}).length === wanted.size, {
    what: 'the state of the scheduler',
    limitMs: 20_000,
  });
  await registry.stop();
  return facts(content);
}

/** Pulls everything. Returns the content by repository and digest. */
async function pullAll(url: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const [repository, tag] of PULLED) {
    const { manifests, blobs } = await pullImage(url, repository, tag);
    for (const digest of [...manifests, ...blobs]) found.add(`${repository}@${digest}`);
  }
  return found;
}

/** All files; of the state of the scheduler the entries without their times. */
function facts(content: string): object {
  const entries = Object.values(stateOf(content) ?? {}).map(({ Key, EntryType }) => `${Key} ${EntryType}`);
  return { ...treeOf(content), 'scheduler-state.json': entries.toSorted() };
}

function stateOf(content: string): Record<string, { Key: string; EntryType: number }> | undefined {
  try {
    return JSON.parse(readFileSync(join(content, 'scheduler-state.json'), 'utf8')) as never;
  } catch {
    return undefined;
  }
}

function bodiesSent(upstream: Upstream): number {
  return (
    upstream.count({ method: 'GET', kind: 'blob' }) + upstream.count({ method: 'GET', kind: 'manifest' })
  );
}

function handBackOf(stats: unknown): unknown {
  return (stats as { store: { handBack: { state: string } } }).store.handBack.state;
}
