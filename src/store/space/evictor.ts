import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { EvictionCandidate, ContentIndex } from '../index/content-index.ts';
import type { LastUse } from '../content/last-use.ts';
import type { Layout } from '../files/layout.ts';
import type { PartialBodies } from './partial-bodies.ts';
import type { Ledger, Scope } from '../content/ledger.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { Trash } from '../files/trash.ts';
import type { ContentType, UpstreamPolicy } from '../types.ts';

export const EVICTION_REASONS = ['budget', 'ttl', 'disk-full', 'unconfigured'] as const;
export type EvictionReason = (typeof EVICTION_REASONS)[number];

export interface Evictor {
  /**
   * Frees `bytes` in `scope` and a little more, so that not every fill has to evict. False if that is not possible; if this is clear
   * beforehand, nothing is evicted. Order: partial bodies, then blobs by their worth (see worth.ts), then manifests by theirs. Content that
   * is open stays.
   */
  free(scope: Scope, bytes: number, reason: EvictionReason): Promise<boolean>;
  /**
   * Ends the share of the upstream `scope` in content (undefined: all shares). The file is removed with the last share. False if it is open
   * or already removed.
   */
  remove(content: EvictionCandidate, scope: Scope, reason: EvictionReason): Promise<boolean>;
  /** Removes content that was unused for longer than its upstream's ttl. Ends early when `signal` aborts. */
  expire(policies: ReadonlyMap<string, UpstreamPolicy>, signal: AbortSignal): Promise<void>;
}

export interface EvictorDeps {
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly ledger: Ledger;
  readonly files: OpenFiles;
  readonly partialBodies: PartialBodies;
  readonly trash: Trash;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
  readonly lastUse: LastUse;
}

/** Candidates read in one step. Bounds the time of a step for any number of objects. */
const PAGE = 512;
/** Share of the limit that is freed beyond the request. */
const SLACK = 0.02;
/** Blobs first: manifests are small and name the blobs. They are evicted by ttl, or once no blob is left. */
const ORDER: readonly ContentType[] = ['blob', 'manifest'];

export function createEvictor(deps: EvictorDeps): Evictor {
  const { index, catalog, ledger, files, partialBodies, lastUse, trash, layout, clock, logger, metrics } =
    deps;

  return {
    async free(scope, bytes, reason) {
      const busy = scope === undefined ? files.busyBytes() : 0;
      if (ledger.contentOf(scope) - busy + partialBodies.bytesOf(scope) < bytes) return false;
      await lastUse.flush();
      let freed = await partialBodies.free(scope, bytes);
      const slack = Math.floor((ledger.limitOf(scope) ?? 0) * SLACK);
      for (const type of ORDER) {
        const target = type === 'blob' ? bytes + slack : bytes;
        if (freed < bytes) freed += await evictLeastWorth(type, scope, target - freed, reason);
      }
      // On a full disk the index had no room for the first of these changes. Now it has.
      catalog.retryUnsaved();
      return freed >= bytes;
    },

    remove: evict,

    async expire(policies, signal) {
      await lastUse.flush();
      const now = clock.now();
      for (const [upstream, { ttlMs }] of policies) {
        if (ttlMs > 0) await expireScope({ upstream }, now - ttlMs, signal);
      }
      const ttls = [...policies.values()].map((policy) => policy.ttlMs);
      if (ttls.length > 0 && !ttls.includes(0)) {
        await expireScope({ withoutUpstream: true }, now - Math.max(...ttls), signal);
      }
    },
  };

  async function evictLeastWorth(type: ContentType, scope: Scope, bytes: number, reason: EvictionReason) {
    let freed = 0;
    for (let offset = 0; freed < bytes;) {
      const page = index.candidates({ type, order: 'worth', upstream: scope, limit: PAGE, offset });
      if (page.length === 0) break;
      const done = await evictFirst(page, scope, bytes - freed, reason);
      freed += done.freed;
      offset += page.length - done.count;
    }
    if (freed < bytes)
      freed += (await evictFirst(catalog.unsaved(type, scope), scope, bytes - freed, reason)).freed;
    return freed;
  }

  async function evictFirst(
    candidates: EvictionCandidate[],
    scope: Scope,
    bytes: number,
    reason: EvictionReason,
  ) {
    const done = { freed: 0, count: 0 };
    for (const victim of candidates) {
      if (done.freed >= bytes) break;
      if (catalog.isGhost(victim.digest) || !(await evict(victim, scope, reason))) continue;
      done.freed += victim.size;
      done.count += 1;
    }
    return done;
  }

  async function expireScope(
    which: { upstream?: string; withoutUpstream?: boolean },
    before: number,
    signal: AbortSignal,
  ) {
    for (const type of ORDER) {
      for (let offset = 0; !signal.aborted;) {
        const page = index.candidates({ ...which, type, order: 'used_at', before, limit: PAGE, offset });
        if (page.length === 0) break;
        let removed = 0;
        for (const candidate of page) {
          if (!files.busy(candidate.digest) && (await evict(candidate, which.upstream, 'ttl'))) removed += 1;
        }
        offset += page.length - removed;
      }
    }
  }

  async function evict(
    { digest }: EvictionCandidate,
    scope: Scope,
    reason: EvictionReason,
  ): Promise<boolean> {
    if (files.busy(digest)) return false;
    if (scope !== undefined && index.upstreamsOf(digest).some((upstream) => upstream !== scope)) {
      catalog.removeUpstream(digest, scope);
      metrics.evictions.inc({ reason });
      return true;
    }
    return removeContent(digest, reason);
  }

  async function removeContent(digest: Digest, reason: EvictionReason): Promise<boolean> {
    const size = catalog.detach(digest);
    if (size === undefined) return false;
    // The disk has its blocks back only when the file is closed too.
    const closed = new Promise<void>((resolve) => files.drop(digest, resolve));
    try {
      await trash.remove(layout.blob(digest));
      await closed;
    } catch (error) {
      logger.warn('content could not be removed from disk', { digest, error: errorText(error) });
      return false;
    }
    ledger.addContent(-size, -1);
    metrics.evictions.inc({ reason });
    return true;
  }
}
