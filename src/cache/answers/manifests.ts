import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import { errorText, isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { ContentStore, Origin } from '../../store/types.ts';
import type { RecentFailures } from '../pull/recent-failures.ts';
import type { SizeHints } from '../pull/size-hints.ts';
import { concernsCaller } from '../pull/requesters.ts';
import { originOf, type Target } from '../access/target.ts';
import { fetchManifest, headManifest, type ManifestRequest } from './manifest-fetch.ts';
import { manifestRecord, type ManifestRecord } from './manifest-record.ts';
import { PATIENCE_MS } from '../pull/stale-fallback.ts';

/** Hot manifests are answered from memory: 16 MiB hold some thousands. */
const MEMORY_BYTES = 16 * 1024 * 1024;

export interface ManifestsDeps {
  readonly store: ContentStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sizes: SizeHints;
  readonly failures: RecentFailures;
  /** Ends what no single caller owns. */
  readonly signal: AbortSignal;
}

/** Manifests by digest: from memory, from the store, or fetched once for all who ask at the same time and may have them. */
export interface Manifests {
  /** The manifest if its repository may have it and it is here; whether the caller may is another question. */
  local(target: Target, digest: Digest): Promise<ManifestRecord | undefined>;
  /** Asks the upstream in the caller's name for a manifest that is here. Throws its refusal. */
  confirm(target: Target, digest: Digest): Promise<void>;
  /** The upstream has just named this manifest: a 404 of a moment ago counts no more. */
  expect(target: Target, digest: Digest): void;
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

type Obtained = Omit<Fetched, 'collapsed'>;

export function createManifests(deps: ManifestsDeps): Manifests {
  const { store, clock, sizes, failures, signal } = deps;
  const memory = new LRUCache<Digest, ManifestRecord>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: (record) => record.content.length * 2 + 1024,
  });
  /** By repository and digest, each with the caller in whose name it is fetched. */
  const fetches = new Map<string, { by: string; obtained: Promise<Obtained> }>();
  const confirmations = new SingleFlight<string, void>({ clock, ms: PATIENCE_MS });

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

  function requestOf(target: Target, digest: Digest): ManifestRequest {
    return { target, reference: { kind: 'digest', digest }, accept: undefined, signal };
  }

  async function obtain(target: Target, digest: Digest): Promise<Obtained> {
    const origin = originOf(target);
    const request = requestOf(target, digest);
    try {
      if (store.presence(digest, origin) === 'unlinked' && (await headManifest(request)) !== undefined) {
        store.link(digest, origin);
        const record = await load(origin, digest);
        if (record !== undefined) return { record, stored: true };
      }
      const record = await fetchManifest(request, () => clock.now());
      return { record, stored: await keep(origin, record) };
    } catch (error) {
      if (isLarderError(error, 'MANIFEST_UNKNOWN')) failures.remember(target, `manifest ${digest}`, error);
      throw error;
    }
  }

  async function ask(target: Target, digest: Digest): Promise<void> {
    const request = requestOf(target, digest);
    if ((await headManifest(request)) === undefined) await fetchManifest(request, () => clock.now());
  }

  function lead(target: Target, digest: Digest, id: string): Promise<Obtained> {
    const obtained = obtain(target, digest).finally(() => fetches.delete(id));
    fetches.set(id, { by: target.requester.key, obtained });
    return obtained;
  }

  const manifests: Manifests = {
    async local(target, digest) {
      const origin = originOf(target);
      if (store.presence(digest, origin) !== 'linked') return undefined;
      const record = await load(origin, digest);
      if (record !== undefined) store.touch(digest);
      return record;
    },

    confirm(target, digest) {
      const id = `${target.requester.key} ${placeOf(target)}@${digest}`;
      return confirmations.do(id, () => ask(target, digest));
    },

    expect: (target, digest) => failures.forget(target, `manifest ${digest}`),

    async fetch(target, digest) {
      const { requester } = target;
      const id = `${placeOf(target)}@${digest}`;
      for (;;) {
        failures.rethrow(target, `manifest ${digest}`);
        const running = fetches.get(id);
        if (running === undefined) return { ...(await lead(target, digest, id)), collapsed: false };
        if (running.by === requester.key) return { ...(await running.obtained), collapsed: true };
        // Who waits for what another is given has to be let in first; that the other is refused says nothing of this one.
        if (!requester.proven()) await manifests.confirm(target, digest);
        const obtained = await running.obtained.catch((error: unknown) => {
          if (!concernsCaller(error)) throw error;
        });
        if (obtained !== undefined) return { ...obtained, collapsed: true };
      }
    },

    async fetchTag(target, tag, accept) {
      const reference = { kind: 'tag', tag } as const;
      const record = await fetchManifest({ target, reference, accept, signal }, () => clock.now());
      return { record, stored: await keep(originOf(target), record), collapsed: false };
    },
  };
  return manifests;
}

function placeOf({ upstream, repository }: Target): string {
  return `${upstream.name}/${repository}`;
}
