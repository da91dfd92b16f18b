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
import { authOf, configText, LOGIN, pullAll, pushAll } from './distribution-volume.ts';

describe('there and back', { concurrency: 4 }, () => {
  for (const part of ['registry2', 'registry3'] as const)
    for (const login of [LOGIN, undefined])
      describe(`${part} ${login ? 'with' : 'without'} a login`, requireParts([part]), () => {
        test('serves with its upstream away what it stored before, from the same files', async () => {
          using files = tempDir();
          const content = join(files.path, 'content');
          await using upstream = await startUpstream(authOf(login));
          pushAll(upstream);
          const start = (): Promise<Registry> =>
            startRegistry({
              part,
              proxyOf: upstream.url,
              content,
              ...(login !== undefined && { proxyLogin: login }),
            });
          const config = files.write('config.yml', configText(content, upstream, login));
          const startCache = (...flags: string[]): Promise<LarderProcess> =>
            startLarder({ store: content, ownFlags: ['--distribution-config', config, ...flags] });

          const before = await filled(start, content);
          const bodies = bodiesSent(upstream);

          await upstream.refuse();
          await using cache = await startCache();
          await pullAll(cache.registry);
          await cache.stop();

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
