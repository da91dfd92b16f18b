import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import { errorText, isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { Origin, Store } from '../../store/types.ts';
import { originOf } from '../pull/engine.ts';
import type { RecentFailures } from '../pull/recent-failures.ts';
import type { SizeHints } from '../pull/size-hints.ts';
import type { Target } from '../upstreams.ts';
import { fetchManifest, headManifest } from './manifest-fetch.ts';
import { manifestRecord, type ManifestRecord } from './manifest-record.ts';

/** Hot manifests are answered from memory: 16 MiB hold some thousands. */
const MEMORY_BYTES = 16 * 1024 * 1024;

export interface ManifestsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sizes: SizeHints;
  readonly failures: RecentFailures;
  /** Ends what no single caller owns. */
  readonly signal: AbortSignal;
}

/** Manifests by digest: from memory, from the store, or fetched once for all who ask at the same time. */
export interface Manifests {
  /** The manifest if this origin may have it and it is here. */
  local(origin: Origin, digest: Digest): Promise<ManifestRecord | undefined>;
  /** Gets it from the upstream, or has the upstream confirm it for this repository where the bytes are here already. */
  fetch(target: Target, digest: Digest): Promise<Fetched>;
  /** GETs what a tag points to now, and keeps it. Throws the upstream's refusal. */
  fetchTag(target: Target, tag: Tag, accept: string | undefined): Promise<Fetched>;
}

export interface Fetched {
  readonly record: ManifestRecord;
  /** False when it could not be kept: served all the same. */
  readonly stored: boolean;
  /** True for all but the first of those who asked together. */
  readonly collapsed: boolean;
}

export function createManifests(deps: ManifestsDeps): Manifests {
  const { store, clock, sizes, failures, signal } = deps;
  const memory = new LRUCache<Digest, ManifestRecord>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: (record) => record.content.length * 2 + 1024,
  });
  const fetches = new SingleFlight<string, { record: ManifestRecord; stored: boolean }>();

  async function load(origin: Origin, digest: Digest): Promise<ManifestRecord | undefined> {
    const remembered = memory.get(digest);
    if (remembered !== undefined) return remembered;
    const found = await store.read(digest);
    if (found === undefined || found.info.type !== 'manifest') return undefined;
    const record = manifestRecord(digest, found.info.mediaType ?? '', found.content, found.info.storedAt);
    memory.set(digest, record);
    if (record.parsed !== undefined) sizes.learn(origin, record.parsed);
    return record;
  }

  async function keep(origin: Origin, record: ManifestRecord): Promise<boolean> {
    if (record.parsed !== undefined) sizes.learn(origin, record.parsed);
    if (record.unverifiable) return false;
    try {
      await store.put(record.digest, record.content, {
        type: 'manifest',
        mediaType: record.mediaType,
        origin,
      });
    } catch (error) {
      deps.logger.warn('a manifest could not be kept', { digest: record.digest, error: errorText(error) });
      return false;
    }
    memory.set(record.digest, record);
    return true;
  }

  async function obtain(
    target: Target,
    digest: Digest,
  ): Promise<{ record: ManifestRecord; stored: boolean }> {
    const origin = originOf(target);
    const request = {
      target,
      reference: { kind: 'digest', digest },
      accept: undefined,
      credential: { kind: 'own' },
      signal,
    } as const;
    try {
      if (store.presence(digest, origin) === 'unlinked' && (await headManifest(request)) !== undefined) {
        store.link(digest, origin);
        const record = await load(origin, digest);
        if (record !== undefined) return { record, stored: true };
      }
      const record = await fetchManifest(request, () => clock.now());
      return { record, stored: await keep(origin, record) };
    } catch (error) {
      if (isLarderError(error, 'MANIFEST_UNKNOWN')) failures.remember(origin, `manifest ${digest}`, error);
      throw error;
    }
  }

  return {
    async local(origin, digest) {
      if (store.presence(digest, origin) !== 'linked') return undefined;
      const record = await load(origin, digest);
      if (record !== undefined) store.touch(digest);
      return record;
    },

    async fetch(target, digest) {
      const origin = originOf(target);
      failures.rethrow(origin, `manifest ${digest}`);
      const key = `${origin.upstream}/${origin.repository}@${digest}`;
      const collapsed = fetches.has(key);
      return { ...(await fetches.do(key, () => obtain(target, digest))), collapsed };
    },

    async fetchTag(target, tag, accept) {
      const reference = { kind: 'tag', tag } as const;
      const record = await fetchManifest(
        { target, reference, accept, credential: { kind: 'own' }, signal },
        () => clock.now(),
      );
      return { record, stored: await keep(originOf(target), record), collapsed: false };
    },
  };
}
