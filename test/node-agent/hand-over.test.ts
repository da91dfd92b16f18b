/**
 * One node with Larder's node agent and Gardener's: upstreams change hands in both directions while both write. Every order of their steps at the
 * disk is possible, and both may be killed between any two steps.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../src/kit/clock.ts';
import { createHostsDirectory } from '../../src/node-agent/hosts/hosts-directory.ts';
import { MARKER } from '../../src/node-agent/hosts/hosts-toml.ts';
import { createGardenerNodeAgent, type NodeConfig } from '../gardener/landscape/node-agent.ts';
import { CERTS_DIRECTORY, GARDENER_MARKER } from '../gardener/landscape/node-registries.ts';
import { tempDir } from '../kit/temp.ts';
import { pauseFiles } from './paused-files.ts';
import { race } from './turns.ts';

const UPSTREAMS = ['docker.io', 'ghcr.io'];
const RUNS = process.env['LARDER_HEAVY'] === undefined ? 100 : 1000;
/** Errors of a directory that another program changes. Both agents try again. */
const CHANGED: readonly unknown[] = ['ENOENT', 'ENOTEMPTY', 'EEXIST'];

const choices = fc.array(fc.nat(1), { minLength: 1, maxLength: 40 });
const crashes = fc.array(fc.nat(40), { maxLength: 2 });
const phase = fc.record({
  gardeners: fc.subarray(UPSTREAMS),
  // Larder may lag behind, and want what Gardener has.
  ours: fc.subarray(UPSTREAMS),
  revision: fc.nat(3),
  choices,
  larderCrashes: crashes,
  gardenerCrashes: crashes,
});

let paused: AsyncDisposable;
before(() => {
  paused = pauseFiles();
});
after(() => paused[Symbol.asyncDispose]());

test('a file of Gardener is never replaced, removed or brought back by ours, and at the end each upstream has the right one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(phase, { minLength: 1, maxLength: 5 }), async (phases) => {
      using files = tempDir();
      const root = join(files.path, CERTS_DIRECTORY);
      mkdirSync(root, { recursive: true });
      const clock = new ManualClock();
      for (const one of phases) {
        const config = configOf(one.gardeners, one.revision);
        const wanted = one.ours.map((upstream) => fileOf(upstream, one.revision));
        const gardener = async (): Promise<void> => {
          const agent = createGardenerNodeAgent({ root: files.path, clock, probe: async () => {} });
          while (!(await isDone(() => agent.apply(config))));
        };
        const larder = async (): Promise<void> => {
          await createHostsDirectory(root, clock).apply(wanted);
        };
        await race(
          [
            { name: 'gardener', work: gardener, crashes: one.gardenerCrashes },
            { name: 'larder', work: larder, crashes: one.larderCrashes },
          ],
          one.choices,
          (running) => {
            // A file that Gardener opened a moment too early is away until ours has been put aside.
            if (running.size > 0) return;
            for (const upstream of one.gardeners)
              assert.equal(textOf(root, upstream), gardenersText(upstream, one.revision));
          },
        );
      }
      const { gardeners = [], revision = 0 } = phases.at(-1) ?? {};
      await createHostsDirectory(root, clock).apply(UPSTREAMS.map((upstream) => fileOf(upstream, 9)));
      for (const upstream of UPSTREAMS)
        if (gardeners.includes(upstream))
          assert.equal(textOf(root, upstream), gardenersText(upstream, revision));
        else assert.ok(textOf(root, upstream).startsWith(MARKER), `${upstream}: ${textOf(root, upstream)}`);
      for (const upstream of UPSTREAMS) assert.deepEqual(readdirSync(join(root, upstream)), ['hosts.toml']);
      assert.deepEqual(readdirSync(root).sort(), UPSTREAMS);
    }),
    { numRuns: RUNS },
  );
});

function fileOf(upstream: string, revision: number) {
  const hosts = [{ url: `https://127.0.0.1:${5000 + revision}`, capabilities: ['pull', 'resolve'] as const }];
  return { upstream, server: `https://${upstream}`, hosts };
}

function configOf(upstreams: readonly string[], revision: number): NodeConfig {
  const registries = upstreams.map((upstream) => ({
    upstream,
    server: serverOf(upstream, revision),
    hosts: [],
  }));
  return { spec: { criConfig: { containerd: { registries } } } };
}

function gardenersText(upstream: string, revision: number): string {
  return `${GARDENER_MARKER}\nserver = "${serverOf(upstream, revision)}"\n`;
}

function serverOf(upstream: string, revision: number): string {
  return `https://${upstream}/${revision}`;
}

function textOf(root: string, upstream: string): string {
  const path = join(root, upstream, 'hosts.toml');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

async function isDone(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (CHANGED.includes((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}
