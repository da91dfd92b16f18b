import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import type { Candidate, ContentIndex } from '../index/content-index.ts';
import { diskError } from '../files/disk.ts';
import type { Evictor } from '../space/evictor.ts';
import { GarbagePlan, leavingOf, type Leaving } from './garbage-plan.ts';
import type { Inventory } from '../index/inventory.ts';
import type { LastUse } from '../content/last-use.ts';
import type { Layout } from '../files/layout.ts';
import type { PartialBodies } from '../space/partial-bodies.ts';
import type { Ledger, Scope } from '../content/ledger.ts';
import type { Report } from './maintenance.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { Quarantine } from '../damage/quarantine.ts';
import type { Trash } from '../files/trash.ts';
import type { UpstreamPolicy } from '../types.ts';

/** Why something goes. */
export const GARBAGE_REASONS = ['leftover', 'quarantine', 'unconfigured', 'ttl', 'budget'] as const;
export type GarbageReason = (typeof GARBAGE_REASONS)[number];

export interface GarbageOptions {
  /** Says what would go, and changes nothing. */
  readonly dryRun: boolean;
  /** Of all upstreams that are configured; what others delivered goes. Undefined: no content goes for age, upstream or its budget. */
  readonly policies: ReadonlyMap<string, UpstreamPolicy> | undefined;
  /** Limit of the whole store; undefined: the one that it was opened with. */
  readonly maxBytes: number | undefined;
}

/** Something that went, or would go. */
export interface GarbageItem {
  readonly event: 'item';
  readonly reason: GarbageReason;
  /** The digest of content, the name of any other file. */
  readonly name: string;
  readonly size: number;
  /** What the disk gets back: 0 for content that stays for another upstream. */
  readonly freedBytes: number;
  /** Those that let go of it. */
  readonly upstreams: readonly string[];
  /** Of content: when it was last used, milliseconds since the epoch. */
  readonly usedAt?: number;
}

export interface GarbageTotals {
  readonly objects: number;
  readonly bytes: number;
}

export interface GarbageResult extends GarbageTotals {
  readonly dryRun: boolean;
  readonly reasons: Readonly<Record<GarbageReason, GarbageTotals>>;
  /** What the store holds now, and may hold. */
  readonly storedBytes: number;
  readonly limitBytes: number;
}

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
  readonly walked: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

type CollectGarbage = (
  options: GarbageOptions,
  signal: AbortSignal,
  report: Report<GarbageItem>,
) => Promise<GarbageResult>;

/** Rows looked at in one step. */
const PAGE = 512;

/**
 * See `Maintenance.collectGarbage`. In this order: beginnings of bodies that no fill works on, quarantined files, content of upstreams
 * that are not configured, content that was not used for its ttl, and what is over a budget, in the order of eviction. Never what is open. A
 * dry run goes the same way and only counts.
 */
export function createGarbageCollector(deps: GarbageDeps): CollectGarbage {
  const { index, inventory, ledger, evictor, files, partialBodies, clock } = deps;

  return async function collectGarbage({ dryRun, policies, maxBytes }, signal, report) {
    await deps.walked(signal);
    await deps.lastUse.flush();
    const now = clock.now();
    const limitBytes = maxBytes ?? ledger.limitBytes;
    const reasons = Object.fromEntries(
      GARBAGE_REASONS.map((reason) => [reason, { objects: 0, bytes: 0 }]),
    ) as Record<GarbageReason, { objects: number; bytes: number }>;
    const plan = new GarbagePlan();

    await removeLeftovers();
    await removeQuarantined();
    if (policies !== undefined) await removeUnwanted();
    for (const [upstream, policy] of policies ?? []) await trim(upstream, policy.maxBytes);
    await trim(undefined, limitBytes);

    const totals = { objects: 0, bytes: 0 };
    for (const { objects, bytes } of Object.values(reasons)) {
      totals.objects += objects;
      totals.bytes += bytes;
    }
    return { dryRun, ...totals, reasons, storedBytes: ledger.bytes, limitBytes };

    async function removeLeftovers(): Promise<void> {
      for (const { path, name, size, upstream } of partialBodies.list()) {
        signal.throwIfAborted();
        if (!dryRun && !(await removed(name, () => partialBodies.remove(path)))) continue;
        const upstreams = upstream === undefined ? [] : [upstream];
        await gone({ reason: 'leftover', name, size, freedBytes: size, upstreams });
      }
    }

    async function removeQuarantined(): Promise<void> {
      const folder = deps.layout.quarantine;
      for (const name of await readdir(folder)) {
        signal.throwIfAborted();
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined);
        if (found === undefined) continue;
        if (!dryRun) await removed(name, () => deps.trash.remove(path));
        const { size } = found;
        await gone({ reason: 'quarantine', name, size, freedBytes: size, upstreams: [] });
      }
      if (!dryRun) await deps.quarantine.load();
    }

    async function removeUnwanted(): Promise<void> {
      let page = inventory.after(undefined, PAGE);
      while (page.length > 0) {
        for (const content of page) {
          signal.throwIfAborted();
          const holders = index.holders(content.digest);
          const leaving = leavingOf(content, holders, policies, now);
          const reason = leaving.at(-1)?.reason;
          if (reason === undefined || files.busy(content.digest)) continue;
          const isWhole = leaving.length >= holders.length;
          await take(content, leaving, reason, isWhole);
        }
        await nextTurn();
        page = inventory.after(page.at(-1)?.digest, PAGE);
      }
    }

    /** Lets the least valuable content go until the scope is within its limit. */
    async function trim(scope: Scope, limit: number | undefined): Promise<void> {
      if (limit === undefined) return;
      let missing = ledger.usedBy(scope) - plan.bytesOf(scope) - limit;
      for (const type of ['blob', 'manifest'] as const) {
        for (let offset = 0; missing > 0;) {
          signal.throwIfAborted();
          const page = index.candidates({ type, order: 'worth', upstream: scope, limit: PAGE, offset });
          if (page.length === 0) break;
          let went = 0;
          for (const victim of page) {
            if (missing <= 0) break;
            if (files.busy(victim.digest) || !isHeld(victim, scope)) continue;
            const isWhole = scope === undefined || holdersOf(victim).length === 1;
            if (!(await take(victim, [{ scope, reason: 'budget' }], 'budget', isWhole))) continue;
            if (dryRun) plan.takeShare(victim.digest, scope);
            missing -= victim.size;
            went += 1;
          }
          offset += dryRun ? page.length : page.length - went;
        }
      }
    }

    /** Who would still hold content by now: in a dry run those who let go of it are still there. */
    function holdersOf(content: Candidate): string[] {
      const holders = index.holders(content.digest);
      if (!dryRun) return holders;
      const gone = leavingOf(content, holders, policies, now);
      return holders.filter(
        (one) => !gone.some(({ scope }) => scope === one) && !plan.hasTaken(content.digest, one),
      );
    }

    /** True while there is something left for `scope` to let go of. */
    function isHeld(content: Candidate, scope: Scope): boolean {
      if (!dryRun) return true;
      const holders = holdersOf(content);
      if (scope !== undefined) return holders.includes(scope);
      if (holders.length > 0) return true;
      const isOfNobody = index.holders(content.digest).length === 0;
      return (
        isOfNobody &&
        !plan.hasTaken(content.digest, undefined) &&
        leavingOf(content, [], policies, now).length === 0
      );
    }

    async function take(
      { digest, size, usedAt }: Candidate,
      leaving: readonly Leaving[],
      reason: GarbageReason,
      isWhole: boolean,
    ): Promise<boolean> {
      for (const { scope, reason: why } of leaving) {
        if (!dryRun && !(await evictor.remove({ digest, size, usedAt }, scope, why))) return false;
      }
      const upstreams = leaving.flatMap(({ scope }) => (scope === undefined ? [] : [scope]));
      await gone({ reason, name: digest, size, freedBytes: isWhole ? size : 0, upstreams, usedAt });
      return true;
    }

    async function gone(item: Omit<GarbageItem, 'event'>): Promise<void> {
      if (dryRun) {
        for (const upstream of item.upstreams) plan.free(upstream, item.size);
        plan.free(undefined, item.freedBytes);
      }
      if (item.freedBytes === item.size) {
        reasons[item.reason].objects += 1;
        reasons[item.reason].bytes += item.size;
      }
      await report({ event: 'item', ...item });
    }
  };
}

/** False when there was nothing to remove any more. Throws `STORE_UNAVAILABLE`. */
async function removed(name: string, remove: () => Promise<boolean | void>): Promise<boolean> {
  try {
    return (await remove()) !== false;
  } catch (error) {
    throw diskError(`remove ${name}`, error);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
