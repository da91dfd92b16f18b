/** Set-up of store tests: a store in a temporary directory, with a clock that the test moves. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger, type Logger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareStoreMetrics, type StoreMetrics } from '../../src/store/metrics.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import { digestOf, type Digest, type DigestAlgorithm } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { openStore, type StoreOptions } from '../../src/store/store.ts';
import type { MaintainedStore } from '../../src/store/maintenance/maintenance.ts';
import type { ContentType, OpenContent, RepositoryId, Store, UpstreamPolicy } from '../../src/store/types.ts';
import { blobOf } from '../kit/blob.ts';
import { tempDir } from '../kit/temp.ts';

export interface LocalStore extends AsyncDisposable {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly metrics: StoreMetrics;
  /** The store of the last {@link LocalStore.open}. */
  readonly store: MaintainedStore;
  /** Closes the store and opens the directory again, with changed options if given. */
  reopen(options?: Partial<StoreOptions>): Promise<MaintainedStore>;
  /** Current bytes of all files in the directory. */
  bytesOnDisk(): number;
}

/** Opens a store in a directory of its own, by default with 64 MiB and the upstreams `a.example` and `b.example`. */
export async function localStore(
  options: Partial<StoreOptions> = {},
  deps: { logger?: Logger } = {},
): Promise<LocalStore> {
  const directory = tempDir();
  const clock = new ManualClock();
  const metrics = declareStoreMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(silentLogger);
  let settings = { directory: directory.path, maxBytes: 64 * MIB, policies: policies({}), ...options };
  const open = () => openStore({ clock, logger: deps.logger ?? silentLogger, metrics, tasks }, settings);
  let store = await open();
  return {
    directory: directory.path,
    clock,
    metrics,
    get store() {
      return store;
    },
    async reopen(changes = {}) {
      await store.close();
      settings = { ...settings, ...changes };
      store = await open();
      return store;
    },
    bytesOnDisk: () => bytesBelow(directory.path),
    async [Symbol.asyncDispose]() {
      await store.close();
      await tasks.close();
      directory[Symbol.dispose]();
    },
  };
}

export const MIB = 1024 * 1024;
export const A: RepositoryId = { upstream: 'a.example', repository: parseRepositoryName('library/one') };
export const A2: RepositoryId = { upstream: 'a.example', repository: parseRepositoryName('library/two') };
export const B: RepositoryId = { upstream: 'b.example', repository: parseRepositoryName('library/one') };

/** Policies of `a.example` and `b.example`, by default without ttl and budget. */
export function policies(
  by: Partial<Record<'a' | 'b', Partial<UpstreamPolicy>>>,
): ReadonlyMap<string, UpstreamPolicy> {
  const none = { ttlMs: 0, maxBytes: undefined };
  return new Map([
    ['a.example', { ...none, ...by.a }],
    ['b.example', { ...none, ...by.b }],
  ]);
}

export interface Body {
  readonly digest: Digest;
  readonly content: Buffer;
}

/** Pseudo-random content of `size` bytes that depends on `seed`. */
export function body(size: number, seed = 1, algorithm: DigestAlgorithm = 'sha256'): Body {
  const content = blobOf(size, seed).read();
  return { digest: digestOf(content, algorithm), content };
}

/** Stores `of` as a fill does, and returns the open content. */
export async function fill(
  store: Store,
  of: Body,
  repositoryId: RepositoryId = A,
  meta: { type: ContentType; mediaType?: string } = { type: 'blob' },
): Promise<OpenContent> {
  const spool = await store.spool(of.digest, repositoryId, of.content.length);
  try {
    await spool.append([of.content.subarray(spool.offset)]);
    return await spool.commit({ ...meta, repositoryId });
  } catch (error) {
    await spool.discard();
    throw error;
  }
}

/** Stores `of` like {@link fill}, and closes it. */
export async function keep(store: Store, of: Body, repositoryId: RepositoryId = A): Promise<void> {
  (await fill(store, of, repositoryId)).close();
}

/** Bytes of all files below `path`. Files that vanish meanwhile do not count. */
export function bytesBelow(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    bytes += entry.isDirectory()
      ? bytesBelow(child)
      : (statSync(child, { throwIfNoEntry: false })?.size ?? 0);
  }
  return bytes;
}
