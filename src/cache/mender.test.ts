import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { ManualClock } from '../kit/clock.ts';
import { LarderError, type ErrorCode } from '../kit/errors.ts';
import { silentLogger } from '../kit/logger.ts';
import { digestOf, type Digest } from '../oci/digest.ts';
import { parseRepositoryName } from '../oci/reference.ts';
import type { DamagedContent } from '../store/maintenance/maintenance.ts';
import { createMender } from './mender.ts';

const repository = parseRepositoryName('team/app');

function damagedAt(name: string, ...upstreams: string[]): DamagedContent {
  const repositoryIds = upstreams.map((upstream) => ({ upstream, repository }));
  return { digest: digestOf(Buffer.from(name)), size: 1, type: 'blob', repositoryIds };
}

/** A mender whose upstreams fail as `answers` says, and succeed otherwise. */
function setting(contents: readonly DamagedContent[]) {
  const clock = new ManualClock();
  const damaged = new Map(contents.map((content) => [content.digest, content]));
  const answers = new Map<string, ErrorCode>();
  const asked: string[] = [];
  const controller = new AbortController();
  const mend = createMender({
    maintenance: { damaged: () => [...damaged.values()] },
    async repair({ digest, repositoryIds }) {
      for (const { upstream } of repositoryIds) {
        asked.push(upstream);
        const code = answers.get(upstream);
        if (code === undefined) return void damaged.delete(digest);
        if (upstream === repositoryIds.at(-1)?.upstream) throw new LarderError(code, 'no');
      }
    },
    clock,
    logger: silentLogger,
  });
  const ended = mend(controller.signal);
  return {
    asked,
    answers,
    damaged: damaged as ReadonlyMap<Digest, DamagedContent>,
    /** Upstreams that were asked in the next 30 s. */
    next: async (): Promise<string[]> => {
      asked.length = 0;
      clock.advance(30_000);
      for (let count = 0; count < 20; count += 1) await turn();
      return [...asked];
    },
    stop: async (): Promise<void> => {
      controller.abort();
      await ended;
    },
  };
}

test('damaged content is mended within 30 s', async () => {
  const { next, damaged, stop } = setting([damagedAt('1', 'a.example'), damagedAt('2', 'b.example')]);
  assert.deepEqual(await next(), ['a.example', 'b.example']);
  assert.equal(damaged.size, 0);
  assert.deepEqual(await next(), []);
  await stop();
});

test('an upstream that does not answer is asked once each 30 s, however much of it is damaged, and all is mended when it is back', async () => {
  const contents = [damagedAt('1', 'a.example'), damagedAt('2', 'a.example'), damagedAt('3', 'b.example')];
  const { next, answers, damaged, stop } = setting(contents);
  answers.set('a.example', 'UPSTREAM_UNREACHABLE');
  assert.deepEqual(await next(), ['a.example', 'b.example']);
  assert.deepEqual(await next(), ['a.example']);
  answers.clear();
  assert.deepEqual(await next(), ['a.example', 'a.example']);
  assert.equal(damaged.size, 0);
  await stop();
});

test('content that an upstream refuses to Larder itself is asked for again after ten minutes', async () => {
  const { next, answers, damaged, stop } = setting([
    damagedAt('1', 'a.example'),
    damagedAt('2', 'b.example'),
  ]);
  answers.set('a.example', 'UPSTREAM_DENIED');
  assert.deepEqual(await next(), ['a.example', 'b.example']);
  assert.deepEqual(await next(), []);
  assert.equal(damaged.size, 1);
  answers.clear();
  for (let round = 3; round < 21; round += 1) assert.deepEqual(await next(), []);
  assert.deepEqual(await next(), ['a.example']);
  assert.equal(damaged.size, 0);
  await stop();
});

test('content that came through no repository is left alone', async () => {
  const { next, stop } = setting([damagedAt('1')]);
  assert.deepEqual(await next(), []);
  await stop();
});
