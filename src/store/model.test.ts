/**
 * Compares the store with a model of a few lines over short histories of fetches, reads, links and evictions. The model does not predict
 * which content is evicted. It checks that evicted content was allowed to go, and that all sums are right. `LARDER_MODEL_RUNS` sets the
 * number of histories.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isLarderError } from '../kit/errors.ts';
import { A, A2, B, body, fill, localStore, policies, type LocalStore } from '../../test/store/harness.ts';
import { runs } from '../../test/store/runs.ts';
import type { OpenContent, RepositoryId, Presence } from './types.ts';

const LIMITS = { 'a.example': 100_000, 'b.example': 60_000 };
const REPOSITORY_IDS = [A, A2, B];
/** Two above b's budget, one above both, an empty one, and some that share the space. */
const BODIES = [30_000, 30_001, 50_000, 20_000, 70_000, 61_000, 120_000, 0].map((size, seed) =>
  body(size, seed),
);

class Model {
  /** Repositories that each body is linked to, as `upstream/repository`. */
  readonly links = new Map<number, Set<string>>();
  readonly open: { content: OpenContent; body: number }[] = [];

  presence(index: number, repositoryId: RepositoryId): Presence {
    const links = this.links.get(index);
    if (links === undefined) return 'absent';
    if (links.has(nameOf(repositoryId))) return 'linked';
    return [...links].some((name) => name.startsWith(`${repositoryId.upstream}/`)) ? 'unlinked' : 'foreign';
  }

  isOpen(index: number): boolean {
    return this.open.some((one) => one.body === index);
  }

  /** Takes over evictions of the store. Fails if content was evicted that must stay. */
  follow({ store }: LocalStore): void {
    for (const [index, links] of this.links) {
      const { digest } = bodyAt(index);
      for (const name of links) {
        const repositoryId = REPOSITORY_IDS.find((one) => nameOf(one) === name) as RepositoryId;
        if (store.presence(digest, repositoryId) === 'linked') continue;
        assert.ok(!this.isOpen(index), 'open content was evicted');
        links.delete(name);
      }
      if (links.size === 0) this.links.delete(index);
    }
  }

  check(under: LocalStore): void {
    const { store } = under;
    const shares = { 'a.example': 0, 'b.example': 0 };
    let bytes = 0;
    for (const [index] of BODIES.entries()) {
      for (const repositoryId of REPOSITORY_IDS) {
        assert.equal(store.presence(bodyAt(index).digest, repositoryId), this.presence(index, repositoryId));
      }
      const links = [...(this.links.get(index) ?? [])];
      if (links.length > 0) bytes += sizeOf(index);
      for (const upstream of ['a.example', 'b.example'] as const) {
        if (links.some((name) => name.startsWith(upstream))) shares[upstream] += sizeOf(index);
      }
    }
    const stats = store.stats();
    assert.equal(stats.objects, this.links.size);
    for (const upstream of ['a.example', 'b.example'] as const) {
      assert.ok(shares[upstream] <= LIMITS[upstream], `${upstream} has ${shares[upstream]}`);
      const counted = stats.perUpstream.find((one) => one.upstream === upstream)?.bytes ?? 0;
      assert.equal(counted, shares[upstream]);
    }
    assert.ok(under.bytesOnDisk() >= bytes);
    assert.ok(under.bytesOnDisk() <= stats.bytes);
  }
}

type Command = fc.AsyncCommand<Model, LocalStore>;

function command(name: string, run: (model: Model, under: LocalStore) => Promise<void>): Command {
  return {
    check: () => true,
    async run(model, under) {
      await run(model, under);
      model.follow(under);
      model.check(under);
    },
    toString: () => name,
  };
}

const anyBody = fc.nat(BODIES.length - 1);
const anyRepositoryId = fc.constantFrom(...REPOSITORY_IDS);

const fetchIt = fc.tuple(anyBody, anyRepositoryId, fc.boolean()).map(([index, repositoryId, stays]) =>
  command(
    `fetch ${index} from ${nameOf(repositoryId)}${stays ? ' and read on' : ''}`,
    async (model, under) => {
      try {
        const content = await fill(under.store, bodyAt(index), repositoryId);
        model.follow(under);
        model.links.set(index, (model.links.get(index) ?? new Set()).add(nameOf(repositoryId)));
        if (stays) model.open.push({ content, body: index });
        else content.close();
      } catch (error) {
        assert.ok(isLarderError(error, 'STORE_FULL'), String(error));
        const limit = LIMITS[repositoryId.upstream as 'a.example'];
        const blocked = model.open.reduce((sum, one) => sum + sizeOf(one.body), 0);
        assert.ok(sizeOf(index) + blocked > limit, 'refused although there was room');
      }
    },
  ),
);

const openIt = anyBody.map((index) =>
  command(`open ${index}`, async (model, under) => {
    const content = await under.store.open(bodyAt(index).digest);
    assert.equal(content !== undefined, model.links.has(index));
    if (content !== undefined) model.open.push({ content, body: index });
  }),
);

const closeOne = fc.nat(5).map((which) =>
  command(`close reader ${which}`, async (model) => {
    const [reader] = model.open.splice(which, 1);
    reader?.content.close();
    reader?.content.close();
  }),
);

const linkIt = fc.tuple(anyBody, anyRepositoryId).map(([index, repositoryId]) =>
  command(`confirm ${index} in ${nameOf(repositoryId)}`, async (model, under) => {
    under.store.link(bodyAt(index).digest, repositoryId);
    if (model.presence(index, repositoryId) === 'unlinked') model.links.get(index)?.add(nameOf(repositoryId));
  }),
);

const passTime = fc
  .nat(10_000)
  .map((ms) => command(`wait ${ms} ms`, async (_model, under) => under.clock.advance(ms)));

const restart = fc.constant(
  command('restart', async (model, under) => {
    for (const reader of model.open.splice(0)) reader.content.close();
    await under.reopen();
  }),
);

test('whatever is fetched, read, confirmed and evicted, links are right, sums are right and limits hold', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([fetchIt, fetchIt, fetchIt, openIt, closeOne, linkIt, passTime, restart], {
        maxCommands: 40,
        size: 'max',
      }),
      async (commands) => {
        const limits = policies({
          a: { maxBytes: LIMITS['a.example'] },
          b: { maxBytes: LIMITS['b.example'] },
        });
        await using under = await localStore({ policies: limits });
        const model = new Model();
        await fc.asyncModelRun(() => ({ model, real: under }), commands);
        for (const reader of model.open) reader.content.close();
      },
    ),
    { numRuns: runs(10) },
  );
});

function nameOf({ upstream, repository }: RepositoryId): string {
  return `${upstream}/${repository}`;
}

function bodyAt(index: number) {
  return BODIES[index] as (typeof BODIES)[number];
}

function sizeOf(index: number): number {
  return bodyAt(index).content.length;
}
