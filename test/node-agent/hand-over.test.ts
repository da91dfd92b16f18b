/** One node with Larder's node agent and Gardener's: upstreams change hands in both directions while both write. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../src/kit/clock.ts';
import { createHostsDirectory } from '../../src/node-agent/hosts/hosts-directory.ts';
import { MARKER } from '../../src/node-agent/hosts/hosts-toml.ts';
import {
  createGardenerNodeAgent,
  type GardenerNodeAgent,
  type NodeConfig,
} from '../gardener/landscape/node-agent.ts';
import { CERTS_DIRECTORY, GARDENER_MARKER } from '../gardener/landscape/node-registries.ts';
import { tempDir } from '../kit/temp.ts';

const UPSTREAMS = ['docker.io', 'ghcr.io'];
const RUNS = process.env['LARDER_HEAVY'] === undefined ? 100 : 1000;

const fileOf = (upstream: string, revision: number) => ({
  upstream,
  server: `https://${upstream}`,
  hosts: [{ url: `https://127.0.0.1:${5000 + revision}`, capabilities: ['pull', 'resolve'] as const }],
});

test('a file of Gardener is never replaced or removed by ours, and at the end each upstream has the right one', async () => {
  const step = fc.record({
    gardeners: fc.subarray(UPSTREAMS),
    // Larder may lag behind, and want what Gardener has.
    ours: fc.subarray(UPSTREAMS),
    revision: fc.nat(3),
    pauses: fc.array(fc.nat(6), { minLength: 1, maxLength: 6 }),
    late: fc.nat(8),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      using files = tempDir();
      const root = join(files.path, CERTS_DIRECTORY);
      mkdirSync(root, { recursive: true });
      const clock = new ManualClock();
      const larder = createHostsDirectory(root, clock);
      let pauses: readonly number[] = [0];
      let paused = 0;
      const gardener = createGardenerNodeAgent({
        root: files.path,
        clock,
        probe: async () => {},
        pause: async () => wait(pauses[(paused += 1) % pauses.length] ?? 0),
      });
      for (const one of steps) {
        pauses = one.pauses;
        const wanted = one.ours.map((upstream) => fileOf(upstream, one.revision));
        await Promise.all([
          applied(gardener, configOf(one.gardeners)),
          wait(one.late).then(() => larder.apply(wanted)),
        ]);
        // A file of Gardener stays, although ours was wanted there as well.
        for (const upstream of one.gardeners) assert.match(textOf(root, upstream), starts(GARDENER_MARKER));
      }
      const last = steps.at(-1)?.gardeners ?? [];
      const free = UPSTREAMS.filter((upstream) => !last.includes(upstream));
      await larder.apply(UPSTREAMS.map((upstream) => fileOf(upstream, 9)));
      for (const upstream of last) assert.match(textOf(root, upstream), starts(GARDENER_MARKER));
      for (const upstream of free) assert.match(textOf(root, upstream), starts(MARKER));
      for (const upstream of UPSTREAMS) assert.deepEqual(readdirSync(join(root, upstream)), ['hosts.toml']);
      assert.deepEqual(readdirSync(root).sort(), UPSTREAMS);
    }),
    { numRuns: RUNS },
  );
});

/** Repeats a try that failed because the directory was changed at the same time, as controllers do. */
async function applied(agent: GardenerNodeAgent, config: NodeConfig): Promise<void> {
  for (;;)
    try {
      return await agent.apply(config);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(code)) throw error;
    }
}

function configOf(upstreams: readonly string[]): NodeConfig {
  const registries = upstreams.map((upstream) => ({ upstream, server: `https://${upstream}`, hosts: [] }));
  return { spec: { criConfig: { containerd: { registries } } } };
}

async function wait(turns: number): Promise<void> {
  for (let count = 0; count < turns; count += 1) await turn();
}

function textOf(root: string, upstream: string): string {
  const path = join(root, upstream, 'hosts.toml');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function starts(marker: string): RegExp {
  return new RegExp(`^${RegExp.escape(marker)}`);
}
