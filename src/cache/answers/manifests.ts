import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import { errorText, isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { ContentStore, RepositoryId } from '../../store/types.ts';
import type { RecentFailures } from '../pull/recent-failures.ts';
import type { SizeHints } from '../pull/size-hints.ts';
import { concernsCaller } from '../pull/requesters.ts';
import { repositoryIdOf, type Target } from '../access/target.ts';
import { fetchManifest, headManifest, type ManifestRequest } from './manifest-fetch.ts';
import { manifestRecord, type ManifestRecord } from './manifest-record.ts';
import { FALLBACK_AFTER_MS } from '../pull/stale-fallback.ts';

/** Frequent manifests are answered from memory: 16 MiB hold some thousands. */
const MEMORY_BYTES = 16 * 1024 * 1024;

export interface ManifestsDeps {
  readonly store: ContentStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sizes: SizeHints;
  readonly failures: RecentFailures;
  /** Ends requests that no single caller owns. */
  readonly signal: AbortSignal;
}

/** Manifests by digest: from memory, from the store, or fetched once for all authorized callers that ask at the same time. */
export interface Manifests {
  /** Finds a manifest in memory or store, if it is linked to the repository. Does not check the access of the caller. */
  local(target: Target, digest: Digest): Promise<ManifestRecord | undefined>;
  /** Asks the upstream in the caller's name for a manifest that is stored. Throws the upstream's refusal. */
  confirm(target: Target, digest: Digest): Promise<void>;
  /** Forgets a remembered 404 of this manifest, because the upstream has just named it. */
  expect(target: Target, digest: Digest): void;
  /** Fetches the manifest; if the bytes are stored already, the upstream only confirms it for this repository. Throws the upstream's refusal. */
  fetch(target: Target, digest: Digest): Promise<Fetched>;
  /** GETs the manifest that a tag points to, and keeps it. Throws the upstream's refusal. */
  fetchTag(target: Target, tag: Tag, accept: string | undefined): Promise<Fetched>;
}

export interface Fetched {
  readonly record: ManifestRecord;
  /** False if the store could not keep the manifest, which is served all the same. */
  readonly stored: boolean;
  /** True for all but the first of the callers that asked together. */
  readonly collapsed: boolean;
}

type Obtained = Omit<Fetched, 'collapsed'>;

export function createManifests(deps: ManifestsDeps): Manifests {
  const { store, clock, sizes, failures, signal } = deps;
  const memory = new LRUCache<Digest, ManifestRecord>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: (record) => record.content.length * 2 + 1024,
  });
  /** Running fetches by repository and digest, each with the key of the requester in whose name it runs. */
  const fetches = new Map<string, { by: string; obtained: Promise<Obtained> }>();
  const confirmations = new SingleFlight<string, void>({ clock, ms: FALLBACK_AFTER_MS });

  async function load(repositoryId: RepositoryId, digest: Digest): Promise<ManifestRecord | undefined> {
    const remembered = memory.get(digest);
    if (remembered !== undefined) return remembered;
    const found = await store.read(digest);
    if (found === undefined || found.info.type !== 'manifest') return undefined;
    const record = manifestRecord(digest, found.info.mediaType ?? '', found.content, found.info.storedAt);
    memory.set(digest, record);
    if (record.parsed !== undefined) sizes.learn(repositoryId, record.parsed);
    return record;
  }

  async function keep(target: Target, record: ManifestRecord): Promise<boolean> {
    const repositoryId = repositoryIdOf(target);
    if (record.parsed !== undefined) sizes.learn(repositoryId, record.parsed);
    if (record.unverifiable) return false;
    try {
      await store.put(record.digest, record.content, {
        type: 'manifest',
        mediaType: record.mediaType,
        repositoryId,
        forCaller: target.requester.isApart,
      });
    } catch (error) {
      if (!isLarderError(error, 'STORE_HANDED_BACK'))
        deps.logger.warn('failed to store a manifest', { digest: record.digest, error: errorText(error) });
      return false;
    }
    memory.set(record.digest, record);
    return true;
  }

  function requestOf(target: Target, digest: Digest): ManifestRequest {
    return { target, reference: { kind: 'digest', digest }, accept: undefined, signal };
  }

  async function obtain(target: Target, digest: Digest): Promise<Obtained> {
    const repositoryId = repositoryIdOf(target);
    const request = requestOf(target, digest);
    try {
      if (
        store.presence(digest, repositoryId) === 'unlinked' &&
        (await headManifest(request)) !== undefined
      ) {
        store.link(digest, repositoryId, target.requester.isApart);
        const record = await load(repositoryId, digest);
        if (record !== undefined) return { record, stored: true };
      }
      const record = await fetchManifest(request, () => clock.now());
      return { record, stored: await keep(target, record) };
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
      const repositoryId = repositoryIdOf(target);
      if (store.presence(digest, repositoryId) !== 'linked') return undefined;
      const record = await load(repositoryId, digest);
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
        // A caller that joins another's fetch must be authorized itself. A refusal of the other does not apply to it.
        if (!requester.hasLiveProof()) await manifests.confirm(target, digest);
        const obtained = await running.obtained.catch((error: unknown) => {
          if (!concernsCaller(error)) throw error;
        });
        if (obtained !== undefined) return { ...obtained, collapsed: true };
      }
    },

    async fetchTag(target, tag, accept) {
      const reference = { kind: 'tag', tag } as const;
      const record = await fetchManifest({ target, reference, accept, signal }, () => clock.now());
      return { record, stored: await keep(target, record), collapsed: false };
    },
  };
  return manifests;
}

function placeOf({ upstream, repository }: Target): string {
  return `${upstream.name}/${repository}`;
}
