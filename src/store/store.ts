import { statfs } from 'node:fs/promises';
import { sleep, type Clock } from '../kit/clock.ts';
import { LarderError, errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { Metrics } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { digestAlgorithm, digestOf } from '../oci/digest.ts';
import { MANIFEST_SIZE_LIMIT } from '../oci/manifest.ts';
import { Budget } from './budget.ts';
import { Catalog } from './catalog.ts';
import { ContentIndex } from './content-index.ts';
import { readAt } from './disk.ts';
import { adoptDistribution } from './distribution-store.ts';
import { createEvictor } from './evictor.ts';
import { LastUse } from './last-use.ts';
import { layoutOf, prepareDirectory, type Layout } from './layout.ts';
import { Leftovers } from './leftovers.ts';
import { Ledger } from './ledger.ts';
import { lockStore } from './lock.ts';
import { OpenFiles } from './open-files.ts';
import { Quarantine } from './quarantine.ts';
import { createReader } from './reader.ts';
import type { SpoolHome } from './spool-file.ts';
import { createSpools } from './spools.ts';
import { createTrash, moveSync } from './trash.ts';
import type { Store, UpstreamPolicy } from './types.ts';
import { walkFiles } from './walk.ts';

export interface StoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Owns the store's background work: writing last use, ttl, the walk of the files. */
  readonly tasks: TaskGroup;
}

export interface StoreOptions {
  readonly directory: string;
  /** Limit of everything in the directory, in bytes; 90 % of the file system when undefined. */
  readonly maxBytes: number | undefined;
  /** By upstream name. */
  readonly policies: ReadonlyMap<string, UpstreamPolicy>;
  /**
   * The one configured upstream, for content found without an index and for a Distribution store in the directory, which is
   * adopted in its name; `'ambiguous'` when several are configured. Undefined: a Distribution store is left alone.
   */
  readonly adoptDistribution?: string | undefined;
}

/** How much of the file system the store may fill when nobody says. */
const DEFAULT_SHARE = 0.9;
/** Files kept open while nobody reads them. */
const IDLE_FILES = 512;
/** Milliseconds between two writes of what was used. */
const FLUSH_INTERVAL_MS = 5_000;
/** Bounds of the time between two looks for content whose ttl has passed; a tenth of the shortest ttl in between. */
const SWEEP_INTERVAL_MS = { least: 1_000, most: 600_000 };
const INDEX_LIMITS = { tags: 100_000, descriptors: 200_000 };
/** What one transaction may add to the index before it is measured again. */
const INDEX_HEADROOM = 512 * 1024;
/** The write-ahead log may take this share of the limit, at most 4 MiB. */
const WAL_SHARE = 1 / 64;
/** How long a fill waits for the files to be counted after the index was lost. */
const COUNT_PATIENCE_MS = 2_000;

/**
 * Opens the store in `options.directory`, made when it is not there, for this process alone. Serves at once; agreement of
 * index and files is established in the background.
 *
 * Throws `STORE_UNUSABLE` (cannot be made, written or locked), `STORE_IN_USE` (another process has it) and
 * `STORE_ADOPTION_AMBIGUOUS` (a Distribution store is there and several upstreams are configured).
 */
export async function openStore(deps: StoreDeps, options: StoreOptions): Promise<Store> {
  const layout = layoutOf(options.directory);
  await prepareDirectory(layout);
  const unlock = lockStore(layout.lock, layout.directory);
  try {
    return await openLocked(deps, options, layout, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openLocked(deps: StoreDeps, options: StoreOptions, layout: Layout, unlock: () => void) {
  const { clock, metrics } = deps;
  const logger = deps.logger.with({ store: layout.directory });
  const limitBytes = options.maxBytes ?? (await defaultLimit(layout.directory));
  const walPages = Math.min(1000, Math.max(16, Math.floor((limitBytes * WAL_SHARE) / 4096)));

  const index = new ContentIndex(layout.index, walPages, logger);
  const ledger = new Ledger(limitBytes, (bytes) => metrics.storeBytes.set(bytes));
  const catalog = new Catalog({ index, ledger, layout, clock });
  const files = new OpenFiles(IDLE_FILES);
  const lastUse = new LastUse({ index, clock });
  const trash = createTrash(layout);
  const leftovers = new Leftovers({ trash, clock });
  const quarantine = new Quarantine({ layout, catalog, ledger, files, trash, clock, logger, metrics });
  const reader = createReader({ layout, catalog, files, quarantine, logger });
  const flush = () => lastUse.flush();
  const evictor = createEvictor({
    index,
    catalog,
    ledger,
    files,
    leftovers,
    trash,
    layout,
    clock,
    logger,
    metrics,
    flush,
  });
  const budget = new Budget({ ledger, evictor });
  const home: SpoolHome = {
    relieve: (bytes) => budget.relieve(bytes),
    keep: (path, reservation) => leftovers.keep(path, reservation),
    async remove(path) {
      try {
        await trash.remove(path);
        return true;
      } catch (error) {
        logger.warn('the beginning of a body could not be removed', { error: errorText(error) });
        return false;
      }
    },
    settle({ digest, path, file, size, mtimeMs, reservation }, { type, mediaType, origin }) {
      // What is there already under this digest is replaced: the new bytes are the ones that were just proven.
      catalog.get(digest);
      moveSync(path, layout.blob(digest));
      reservation.release();
      const row = { digest, size, type, mediaType, storedAt: clock.now(), verifiedMtime: mtimeMs };
      catalog.add(row, origin);
      measureIndex();
      return files.add(catalog.get(digest) ?? row, file.retain(), mtimeMs);
    },
  };
  const spools = createSpools({ layout, budget, leftovers, trash, home });

  const jobs = new TaskGroup(logger);
  let closed = false;
  let policies = options.policies;
  let policiesChanged = new AbortController();
  /** Runs while the ledger does not know what is on disk. */
  let counting: Promise<void> | undefined;

  metrics.storeLimitBytes.set(limitBytes);
  measureIndex();
  await spools.load();
  await quarantine.load();
  applyPolicies();
  if (options.adoptDistribution !== undefined) {
    await adoptDistribution({ layout, index, catalog, logger }, options.adoptDistribution);
  }
  index.onLost = () => startWalk(true);
  startWalk(index.isNew);
  jobs.run('write last use', flushLoop);
  jobs.run('remove expired content', sweepLoop);
  deps.tasks.run('store', untilAborted);

  const store: Store = {
    info: (digest) => catalog.get(digest),
    presence: (digest, origin) => catalog.presence(digest, origin),

    async open(digest) {
      const content = files.get(digest) ?? (await reader.open(digest));
      if (content !== undefined) lastUse.note(digest);
      return content;
    },

    async read(digest) {
      const content = await store.open(digest);
      if (content === undefined) return undefined;
      try {
        if (content.size > MANIFEST_SIZE_LIMIT) return undefined;
        const buffer = Buffer.allocUnsafeSlow(content.size);
        await readAt(content.fd, buffer, 0);
        if (digestOf(buffer, digestAlgorithm(digest)) === digest) {
          return { info: catalog.get(digest) ?? content, content: buffer };
        }
      } finally {
        content.close();
      }
      await quarantine.take(digest, 'its bytes do not hash to its digest');
      return undefined;
    },

    touch: (digest) => lastUse.note(digest),
    link: (digest, origin) => catalog.link(digest, origin),

    tag: (key) => index.tag(key),
    putTag: (key, entry) => index.putTag(key, entry),
    dropTag: (origin, tag) => index.removeTag(origin, tag),

    putDescriptors(descriptors) {
      index.transaction(() => {
        for (const { digest, size, mediaType } of descriptors) index.putDescriptor(digest, size, mediaType);
      });
    },
    descriptorSize: (digest) => index.descriptorSize(digest),

    leftBytes: (digest, origin) => spools.leftBytes(digest, origin.upstream),
    async spool(digest, origin, size) {
      await counted();
      return spools.begin(digest, origin.upstream, size);
    },

    async put(digest, content, meta) {
      await counted();
      const spool = await spools.beginSmall(digest, meta.origin.upstream, content.length);
      try {
        await spool.append([content]);
        (await spool.commit(meta)).close();
      } catch (error) {
        await spool.discard();
        throw error;
      }
    },

    setPolicies(next) {
      policies = next;
      applyPolicies();
      policiesChanged.abort();
    },

    stats: () => ({
      bytes: ledger.bytes,
      limitBytes,
      objects: ledger.objects,
      perUpstream: ledger
        .perUpstream()
        .map(([upstream, totals]) => ({ upstream, ...totals, limitBytes: ledger.limitOf(upstream) })),
    }),

    async close() {
      if (closed) return;
      closed = true;
      await jobs.close();
      await flush();
      index.close();
      files.close();
      unlock();
    },
  };
  return store;

  function applyPolicies(): void {
    const limits = [...policies].flatMap(([upstream, { maxBytes }]) =>
      maxBytes === undefined ? [] : [[upstream, maxBytes] as const],
    );
    ledger.setLimits(new Map(limits));
    const names = policies.size === 0 ? [options.adoptDistribution] : [...policies.keys()];
    catalog.soleUpstream = names.length === 1 && names[0] !== 'ambiguous' ? names[0] : undefined;
    if (ledger.scopesOver().length > 0) jobs.run('trim', () => budget.trim());
  }

  function measureIndex(): void {
    ledger.setIndex(index.diskBytes() + Math.min(INDEX_HEADROOM, Math.floor(limitBytes / 16)));
  }

  function startWalk(indexLost: boolean): void {
    const walk = async (signal: AbortSignal) => {
      // The damage may have been found in the middle of a change: let that end first.
      await Promise.resolve();
      if (indexLost) catalog.recount();
      const { added, removed } = await walkFiles({ layout, index, catalog }, signal);
      counting = undefined;
      measureIndex();
      if (added + removed > 0)
        logger.info('the index was brought in line with the files', { added, removed });
      await budget.trim();
    };
    jobs.run('walk of the files', (signal) => {
      const walking = walk(signal);
      if (indexLost) counting = walking.catch(() => undefined);
      return walking;
    });
  }

  /** Bytes cannot be promised while nobody knows how many there are: waits for the walk, not for long. */
  async function counted(): Promise<void> {
    if (counting === undefined) return;
    const stop = new AbortController();
    const patience = sleep(clock, COUNT_PATIENCE_MS, stop.signal).catch(() => undefined);
    await Promise.race([counting, patience]);
    stop.abort();
    if (counting !== undefined) {
      throw new LarderError(
        'STORE_FULL',
        'the store counts its files because its index was lost; it stores nothing yet',
      );
    }
  }

  async function flushLoop(signal: AbortSignal): Promise<void> {
    while (await waited(FLUSH_INTERVAL_MS, signal)) {
      await flush();
      measureIndex();
    }
  }

  async function sweepLoop(signal: AbortSignal): Promise<void> {
    for (;;) {
      policiesChanged = new AbortController();
      await waited(sweepInterval(policies), AbortSignal.any([signal, policiesChanged.signal]));
      if (signal.aborted) return;
      await evictor.expire(policies, signal);
      await leftovers.expire();
      index.trim(INDEX_LIMITS);
      await budget.trim();
    }
  }

  async function untilAborted(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, jobs.signal]);
    if (!ended.aborted)
      await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
    await jobs.close();
  }

  /** False when the signal aborts. */
  async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
    return sleep(clock, ms, signal).then(
      () => true,
      () => false,
    );
  }
}

async function defaultLimit(directory: string): Promise<number> {
  const { blocks, bsize } = await statfs(directory);
  return Math.floor(blocks * bsize * DEFAULT_SHARE);
}

function sweepInterval(policies: ReadonlyMap<string, UpstreamPolicy>): number {
  const ttls = [...policies.values()].map(({ ttlMs }) => ttlMs).filter((ttlMs) => ttlMs > 0);
  const { least, most } = SWEEP_INTERVAL_MS;
  return Math.min(most, Math.max(least, Math.min(...ttls, most * 10) / 10));
}
