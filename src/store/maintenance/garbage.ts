import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kit/clock.ts';
import type { ContentIndex, EvictionCandidate } from '../index/content-index.ts';
import { diskError } from '../files/disk.ts';
import type { Evictor } from '../space/evictor.ts';
import { GarbagePlan, unwantedShares, type UnwantedShare } from './garbage-plan.ts';
import { pagesOf, type Inventory } from '../index/inventory.ts';
import type { LastUse } from '../content/last-use.ts';
import type { Layout } from '../files/layout.ts';
import type { PartialBodies } from '../space/partial-bodies.ts';
import type { Ledger, Scope } from '../content/ledger.ts';
import { GARBAGE_REASONS, type GarbageItem, type GarbageReason, type Maintenance } from './maintenance.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { Quarantine } from '../damage/quarantine.ts';
import type { Trash } from '../files/trash.ts';

export interface GarbageDeps {
  readonly index: ContentIndex;
  readonly inventory: Inventory;
  readonly ledger: Ledger;
  readonly evictor: Pick<Evictor, 'remove'>;
  readonly files: OpenFiles;
  readonly lastUse: LastUse;
  readonly partialBodies: PartialBodies;
  readonly quarantine: Pick<Quarantine, 'load'>;
  readonly trash: Trash;
  readonly layout: Layout;
  readonly whenWalked: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

/** Rows read in one step. */
const PAGE = 512;

/**
 * See `Maintenance.collectGarbage`. Removes, in this order: partial bodies, quarantined files, content of upstreams that are not
 * configured and content unused for its ttl, and content above a budget in the order of eviction. Open content stays. A dry run takes the
 * same way and only counts.
 */
export function createGarbageCollector(deps: GarbageDeps): Maintenance['collectGarbage'] {
  const { index, inventory, ledger, evictor, files, partialBodies, clock } = deps;

  return async function collectGarbage({ dryRun, policies, maxBytes }, signal, onEvent) {
    await deps.whenWalked(signal);
    await deps.lastUse.flush();
    const now = clock.now();
    const limitBytes = maxBytes ?? ledger.limitBytes;
    const reasons = Object.fromEntries(
      GARBAGE_REASONS.map((reason) => [reason, { objects: 0, bytes: 0 }]),
    ) as Record<GarbageReason, { objects: number; bytes: number }>;
    const plan = new GarbagePlan();

    await removePartialBodies();
    await emptyQuarantine();
    if (policies !== undefined) await removeUnwanted();
    for (const [upstream, policy] of policies ?? []) await trim(upstream, policy.maxBytes);
    await trim(undefined, limitBytes);

    const totals = { objects: 0, bytes: 0 };
    for (const { objects, bytes } of Object.values(reasons)) {
      totals.objects += objects;
      totals.bytes += bytes;
    }
    return { dryRun, ...totals, reasons, storedBytes: ledger.bytes, limitBytes };

    async function removePartialBodies(): Promise<void> {
      for (const { path, name, size, upstream } of partialBodies.list()) {
        signal.throwIfAborted();
        if (!dryRun && !(await removed(name, () => partialBodies.remove(path)))) continue;
        const upstreams = upstream === undefined ? [] : [upstream];
        await countRemoval({ reason: 'leftover', name, size, freedBytes: size, upstreams });
      }
    }

    async function emptyQuarantine(): Promise<void> {
      const folder = deps.layout.quarantine;
      for (const name of await readdir(folder)) {
        signal.throwIfAborted();
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined);
        if (found === undefined) continue;
        if (!dryRun) await removed(name, () => deps.trash.remove(path));
        const { size } = found;
        await countRemoval({ reason: 'quarantine', name, size, freedBytes: size, upstreams: [] });
      }
      if (!dryRun) await deps.quarantine.load();
    }

    async function removeUnwanted(): Promise<void> {
      for (const page of pagesOf(inventory, PAGE)) {
        for (const content of page) {
          signal.throwIfAborted();
          const upstreams = index.upstreamsOf(content.digest);
          const unwanted = unwantedShares(content, upstreams, policies, now);
          const reason = unwanted.at(-1)?.reason;
          if (reason === undefined || files.busy(content.digest)) continue;
          const isLastShare = unwanted.length >= upstreams.length;
          await remove(content, unwanted, reason, isLastShare);
        }
        await nextTurn();
      }
    }

    /** Removes content of the lowest worth until the scope is within its limit. */
    async function trim(scope: Scope, limit: number | undefined): Promise<void> {
      if (limit === undefined) return;
      let missing = ledger.usedBy(scope) - plan.bytesOf(scope) - limit;
      for (const type of ['blob', 'manifest'] as const) {
        for (let offset = 0; missing > 0;) {
          signal.throwIfAborted();
          const page = index.candidates({ type, order: 'worth', upstream: scope, limit: PAGE, offset });
          if (page.length === 0) break;
          let count = 0;
          for (const victim of page) {
            if (missing <= 0) break;
            if (files.busy(victim.digest) || !hasShare(victim, scope)) continue;
            const isLastShare = scope === undefined || remainingUpstreams(victim).length === 1;
            if (!(await remove(victim, [{ scope, reason: 'budget' }], 'budget', isLastShare))) continue;
            if (dryRun) plan.takeShare(victim.digest, scope);
            missing -= victim.size;
            count += 1;
          }
          offset += dryRun ? page.length : page.length - count;
        }
      }
    }

    /** Upstreams with a share that has not ended. In a dry run the index still has the ended ones. */
    function remainingUpstreams(content: EvictionCandidate): string[] {
      const upstreams = index.upstreamsOf(content.digest);
      if (!dryRun) return upstreams;
      const ended = unwantedShares(content, upstreams, policies, now);
      return upstreams.filter(
        (one) => !ended.some(({ scope }) => scope === one) && !plan.hasTaken(content.digest, one),
      );
    }

    /** True if `scope` has a share in the content that has not ended. */
    function hasShare(content: EvictionCandidate, scope: Scope): boolean {
      if (!dryRun) return true;
      const upstreams = remainingUpstreams(content);
      if (scope !== undefined) return upstreams.includes(scope);
      if (upstreams.length > 0) return true;
      const isWithoutUpstream = index.upstreamsOf(content.digest).length === 0;
      return (
        isWithoutUpstream &&
        !plan.hasTaken(content.digest, undefined) &&
        unwantedShares(content, [], policies, now).length === 0
      );
    }

    async function remove(
      { digest, size, usedAt }: EvictionCandidate,
      shares: readonly UnwantedShare[],
      reason: GarbageReason,
      isLastShare: boolean,
    ): Promise<boolean> {
      for (const { scope, reason: why } of shares) {
        if (!dryRun && !(await evictor.remove({ digest, size, usedAt }, scope, why))) return false;
      }
      const upstreams = shares.flatMap(({ scope }) => (scope === undefined ? [] : [scope]));
      await countRemoval({
        reason,
        name: digest,
        size,
        freedBytes: isLastShare ? size : 0,
        upstreams,
        usedAt,
      });
      return true;
    }

    async function countRemoval(item: Omit<GarbageItem, 'event'>): Promise<void> {
      if (dryRun) {
        for (const upstream of item.upstreams) plan.free(upstream, item.size);
        plan.free(undefined, item.freedBytes);
      }
      if (item.freedBytes === item.size) {
        reasons[item.reason].objects += 1;
        reasons[item.reason].bytes += item.size;
      }
      await onEvent({ event: 'item', ...item });
    }
  };
}

/** Calls `remove`. False if there was nothing left to remove. Throws `STORE_UNAVAILABLE`. */
async function removed(name: string, remove: () => Promise<boolean | void>): Promise<boolean> {
  try {
    return (await remove()) !== false;
  } catch (error) {
    throw diskError(`remove ${name}`, error);
  }
}
