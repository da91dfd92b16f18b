import { statfs } from 'node:fs/promises';
import type { Clock } from '../kit/clock.ts';
import { isLarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { StoreMetrics } from './metrics.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import type { Digest } from '../oci/digest.ts';
import { MANIFEST_SIZE_LIMIT } from '../oci/manifest.ts';
import { Budget } from './space/budget.ts';
import { Catalog } from './content/catalog.ts';
import { ContentIndex } from './index/content-index.ts';
import { OutOfService } from './damage/out-of-service.ts';
import { openFile } from './files/disk.ts';
import { createAdoption } from './distribution/adoption.ts';
import type { AdoptedUpstream } from './distribution/unadopted.ts';
import { createDocuments } from './files/documents.ts';
import { createEvictor } from './space/evictor.ts';
import { createGarbageCollector } from './maintenance/garbage.ts';
import { IndexDatabase } from './index/index-database.ts';
import { Inventory } from './index/inventory.ts';
import { LastUse } from './content/last-use.ts';
import { layoutOf, prepareDirectory } from './files/layout.ts';
import { PartialBodies } from './space/partial-bodies.ts';
import { Ledger } from './content/ledger.ts';
import { lockStore } from './files/lock.ts';
import type { DamagedContent, MaintainedStore } from './maintenance/maintenance.ts';
import { OpenFiles } from './content/open-files.ts';
import { createVerifyContent } from './damage/verify-content.ts';
import { Quarantine } from './damage/quarantine.ts';
import { createReader } from './reader.ts';
import { remainsOf } from './damage/remains.ts';
import { createScrub, type ScrubOptions } from './maintenance/scrub.ts';
import { SharedFile } from './files/shared-file.ts';
import { createSpoolHome } from './spool/spool-home.ts';
import { createSpools } from './spool/spools.ts';
import { createTrash } from './files/trash.ts';
import type { RepositoryId, Remains, UpstreamPolicy } from './types.ts';
import { createUpkeep } from './maintenance/upkeep.ts';
import { createVerify } from './maintenance/verify.ts';

export interface StoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
  /** Owns the store's background work: write of last uses, ttl, walk of the files, scrub. */
  readonly tasks: TaskGroup;
}

export interface StoreOptions {
  readonly directory: string;
  /** Limit of all files in the directory, in bytes; undefined: 90 % of the file system. */
  readonly maxBytes: number | undefined;
  /** Policies by upstream name. */
  readonly policies: ReadonlyMap<string, UpstreamPolicy>;
  /**
   * The one configured upstream; `'ambiguous'` if several are configured. Content found without an index counts for it, and a Distribution
   * store in the directory is adopted as its content. Undefined: a Distribution store is left alone.
   */
  readonly adoptDistribution?: string | undefined;
  /**
   * True if the Distribution store was filled without a login, so that its content was open to everyone when it came. That is a proof as of the
   * time of each link and tag.
   */
  readonly adoptsPublic?: boolean | undefined;
  /** Settings of the scrub, which reads stored content again in idle time; undefined: no scrub. */
  readonly scrub?: ScrubSettings | undefined;
}

export interface ScrubSettings {
  /** Undefined: a full store takes a week, and a pass starts once a week. Otherwise passes follow one another. */
  readonly bytesPerSecond: number | undefined;
  /** True while the program has other work. */
  readonly busy: () => boolean;
}

/** Default limit, as a share of the file system. */
const DEFAULT_SHARE = 0.9;
/** Default time in which the scrub reads a full store once. */
const SCRUB_WEEK_MS = 7 * 24 * 60 * 60 * 1000;
/** Files kept open without a reader. */
const IDLE_FILES = 512;
/** The write-ahead log may take this share of the limit, between 64 KiB and 4 MiB (pages of 4 KiB). */
const WAL = { share: 1 / 64, leastPages: 16, mostPages: 1000 };

/**
 * Opens the store in `options.directory` for this process alone, and creates it if it does not exist. It serves at once; background jobs
 * make index and files agree, and adopt a Distribution store.
 *
 * Throws `STORE_UNUSABLE` (it cannot be created, written or locked), `STORE_IN_USE` (another process has it) and
 * `STORE_ADOPTION_AMBIGUOUS` (the directory has a Distribution store, and several upstreams are configured).
 */
export async function openStore(deps: StoreDeps, options: StoreOptions): Promise<MaintainedStore> {
  const { clock, metrics, tasks } = deps;
  const layout = layoutOf(options.directory);
  const logger = deps.logger.with({ store: layout.directory });
  await prepareDirectory(layout);
  using cleanup = new DisposableStack();
  cleanup.defer(lockStore(layout.lock, layout.directory));
  const limitBytes = options.maxBytes ?? (await defaultLimit(layout.directory));
  metrics.storeLimitBytes.set(limitBytes);

  const database = new IndexDatabase({ logger, clock }, layout.index, walPages(limitBytes));
  cleanup.defer(() => database.close());
  const index = new ContentIndex(database);
  const ledger = new Ledger(limitBytes, (bytes) => metrics.storeBytes.set(bytes));
  const catalog = new Catalog({ index, ledger, layout, clock });
  const files = new OpenFiles(
    {
      clock,
      diskReads: () => process.resourceUsage().fsRead,
      onDamage: (digest, { fd }, why) => outOfService.add(digest, fd, why),
    },
    IDLE_FILES,
  );
  const lastUse = new LastUse({ index, ledger, clock });
  const trash = createTrash(layout);
  const partialBodies = new PartialBodies({ trash, clock });
  const common = {
    layout,
    index,
    catalog,
    ledger,
    files,
    partialBodies,
    lastUse,
    trash,
    clock,
    logger,
    metrics,
  };
  const quarantine = new Quarantine(common);
  const outOfService = new OutOfService({ ...common, quarantine });
  const reader = createReader({ ...common, outOfService });
  const evictor = createEvictor(common);
  const budget = new Budget({ ledger, evictor });
  const inventory = new Inventory(database);
  const verifyContent = createVerifyContent({ layout, catalog, outOfService });
  const documents = createDocuments(layout.documents);
  const scrub =
    options.scrub === undefined
      ? undefined
      : createScrub(
          { ...common, inventory, verifyContent, documents },
          scrubOptions(options.scrub, limitBytes),
        );
  const adoption =
    options.adoptDistribution === undefined
      ? undefined
      : createAdoption({ ...common, budget }, adoptedUpstream(options.adoptDistribution, options));
  const upkeep = createUpkeep({ ...common, database, budget, evictor, tasks, scrub, adoption });
  const whenWalked = (signal: AbortSignal) => upkeep.whenWalked(signal);
  const home = createSpoolHome({ ...common, outOfService, budget, onCommitted: () => upkeep.measureIndex() });
  const spools = createSpools({ ...common, budget, home });

  upkeep.measureIndex();
  await spools.load();
  await quarantine.load();
  setPolicies(options.policies);
  upkeep.start();
  cleanup.defer(() => files.close());
  const owned = cleanup.move();

  const store: MaintainedStore = {
    info: (digest) => catalog.get(digest),
    presence: (digest, repositoryId) => catalog.presence(digest, repositoryId),

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
        const bytes = await content.read(Buffer.allocUnsafeSlow(content.size), 0, content.size);
        return { info: catalog.get(digest) ?? content, content: bytes };
      } catch (error) {
        if (isLarderError(error, 'STORE_DAMAGED')) return undefined;
        throw error;
      } finally {
        content.close();
      }
    },

    touch: (digest) => lastUse.note(digest),
    link: (digest, repositoryId, forCaller) => catalog.link(digest, repositoryId, forCaller),

    tag(key) {
      const entry = index.tags.get(key);
      if (entry !== undefined || adoption?.unadopted?.takeTag(key, key.tag) !== true) return entry;
      return index.tags.get(key);
    },
    putTag: (key, entry) => index.tags.put(key, entry),
    tagClasses(repositoryId, tag) {
      adoption?.unadopted?.takeTag(repositoryId, tag);
      return index.tags.classes(repositoryId, tag);
    },
    dropTag(repositoryId, tag) {
      adoption?.unadopted?.dropTag(repositoryId, tag);
      index.tags.remove(repositoryId, tag);
    },

    publicAt: (repositoryId) => index.publicRepositories.at(repositoryId),
    setPublic(repositoryId, at) {
      if (at !== undefined) index.publicRepositories.set(repositoryId, at);
      else if (adoption?.unadopted === undefined) index.publicRepositories.remove(repositoryId);
      else adoption.unadopted.refusePublic(repositoryId);
    },

    partialBytes: (digest, repositoryId) => spools.partialBytes(digest, repositoryId.upstream),
    async spool(digest, repositoryId, size) {
      await upkeep.whenCounted();
      return spools.begin(digest, repositoryId.upstream, size);
    },

    async put(digest, content, meta) {
      await upkeep.whenCounted();
      const spool = await spools.beginSmall(digest, meta.repositoryId.upstream, content.length);
      try {
        await spool.append([content]);
        (await spool.commit(meta)).close();
      } catch (error) {
        await spool.discard();
        throw error;
      }
    },

    remains,
    discardRemains: (digest) => outOfService.discard(digest),

    ...documents,

    setPolicies,

    stats: () => ({
      bytes: ledger.bytes,
      limitBytes,
      objects: ledger.objects,
      damagedObjects: outOfService.count,
      perUpstream: ledger
        .perUpstream()
        .map(([upstream, totals]) => ({ upstream, ...totals, limitBytes: ledger.limitOf(upstream) })),
    }),

    maintenance: {
      damaged,
      isDamaged: (digest) => outOfService.has(digest),
      scrubStats: () => scrub?.stats(),
      handBackStats: () => undefined,
      verify: createVerify({ ...common, inventory, verifyContent, whenWalked }),
      collectGarbage: createGarbageCollector({ ...common, inventory, evictor, quarantine, whenWalked }),
    },

    async close() {
      await upkeep.close();
      owned.dispose();
    },
  };
  return store;

  function damaged(): DamagedContent[] {
    return outOfService.all.flatMap((digest) => {
      const row = catalog.get(digest);
      return row === undefined ? [] : [{ ...row, repositoryIds: inventory.repositoryIds(digest) }];
    });
  }

  async function remains(digest: Digest, repositoryId: RepositoryId): Promise<Remains | undefined> {
    if (!outOfService.has(digest) || catalog.presence(digest, repositoryId) !== 'linked') return undefined;
    const row = catalog.get(digest);
    const sums = row && catalog.sums(row);
    if (row === undefined || sums === undefined) return undefined;
    const fd = await openFile(layout.blob(digest), 'r').catch(() => undefined);
    return fd === undefined ? undefined : remainsOf(new SharedFile(fd), row.size, sums);
  }

  function setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void {
    const limits = [...policies].flatMap(([upstream, { maxBytes }]) =>
      maxBytes === undefined ? [] : [[upstream, maxBytes] as const],
    );
    ledger.setLimits(new Map(limits));
    const upstreams = policies.size === 0 ? [options.adoptDistribution] : [...policies.keys()];
    catalog.soleUpstream = upstreams.length === 1 && upstreams[0] !== 'ambiguous' ? upstreams[0] : undefined;
    upkeep.setPolicies(policies);
  }
}

function adoptedUpstream(
  upstream: string,
  { adoptsPublic = false }: StoreOptions,
): AdoptedUpstream | 'ambiguous' {
  return upstream === 'ambiguous' ? upstream : { upstream, isPublic: adoptsPublic };
}

function scrubOptions({ bytesPerSecond, busy }: ScrubSettings, limitBytes: number): ScrubOptions {
  return bytesPerSecond === undefined
    ? { bytesPerSecond: Math.ceil(limitBytes / (SCRUB_WEEK_MS / 1000)), everyMs: SCRUB_WEEK_MS, busy }
    : { bytesPerSecond, everyMs: 0, busy };
}

function walPages(limitBytes: number): number {
  const pages = Math.floor((limitBytes * WAL.share) / 4096);
  return Math.min(WAL.mostPages, Math.max(WAL.leastPages, pages));
}

async function defaultLimit(directory: string): Promise<number> {
  const { blocks, bsize } = await statfs(directory);
  return Math.floor(blocks * bsize * DEFAULT_SHARE);
}
