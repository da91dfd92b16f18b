import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import { untilAborted } from '../../kit/abort.ts';
import type { Tag } from '../../oci/reference.ts';
import { acceptClass, accepts, DOCKER_LIST, OCI_INDEX } from '../../oci/media-types.ts';
import type { ContentStore, TagEntry, TagKey, TagStore } from '../../store/types.ts';
import type { Requester } from '../access/requester.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RecentFailures } from '../pull/recent-failures.ts';
import { repositoryIdOf, type Target } from '../access/target.ts';
import { headManifest } from './manifest-fetch.ts';
import type { ManifestRecord } from './manifest-record.ts';
import type { Manifests } from './manifests.ts';
import { FALLBACK_AFTER_MS, type StaleFallback } from '../pull/stale-fallback.ts';
import { excusesStaleness } from '../../upstream/refusal.ts';

/**
 * Signature and fallback tags such as `sha256-<hex>.sig` are rewritten with every signature (cosign SIGNATURE_SPEC,
 * distribution-spec "Referrers Tag Schema"): a new one must show within seconds.
 */
const SIGNATURE_TAG = /^sha(?:256|512)-[0-9a-f]{32,128}(?:\.\w+)?$/;
const SIGNATURE_TAG_TTL_MS = 5_000;

/** Tags remembered for callers with a credential, some 400 bytes each. */
const VIEWS = 20_000;

/** Digest that a tag points to, how Larder knows that, and the manifest itself if it came along. */
export interface ResolvedTag {
  readonly entry: TagEntry;
  readonly record: ManifestRecord | undefined;
  readonly status: CacheStatus;
}

export interface TagFreshnessDeps {
  readonly store: TagStore & Pick<ContentStore, 'presence'>;
  readonly manifests: Manifests;
  readonly staleFallback: StaleFallback;
  readonly clock: Clock;
  readonly failures: RecentFailures;
  /** Ends revalidations, which no single caller owns. */
  readonly signal: AbortSignal;
}

export interface TagRequest {
  readonly target: Target;
  readonly tag: Tag;
  readonly accept: string | undefined;
  readonly method: 'GET' | 'HEAD';
  /** The caller that waits. Its signal is read only when there is something to wait for. */
  readonly caller: { readonly signal: AbortSignal };
}

type Answer = Omit<ResolvedTag, 'status'> & { readonly stored: boolean };

/**
 * Resolves a tag to the digest that it points to (docs/laws.md, "Honest staleness").
 *
 * - An answer younger than `tagTTL` is given without the upstream to callers with a live proof.
 * - An older answer is revalidated once for all callers that ask, by HEAD where there is something to compare.
 * - When that fails for network, time-out, 5xx or 429, the old answer is given while it is no older than `staleIfError`, and says so.
 *   Without an old answer, one for clients with another `Accept` may be given.
 * - 401, 403 and 404 are always relayed, and a 404 forgets the tag.
 *
 * Callers with a credential have tags of their own, in memory: a registry may show each caller another image (decision 0005, T7).
 */
export function createTagFreshness(deps: TagFreshnessDeps): (request: TagRequest) => Promise<ResolvedTag> {
  const { store, manifests, staleFallback, clock, failures } = deps;
  const revalidations = new SingleFlight<string, Answer>({ clock, ms: FALLBACK_AFTER_MS });
  const fetches = new SingleFlight<string, Answer>();
  const views = createRecentMap<string, TagEntry>(VIEWS);
  /** Tags that a caller with a credential has resolved. The next caller asks by HEAD, since the manifest is probably stored. */
  const seen = createRecentMap<string, true>(VIEWS);

  return async function resolveTag(request) {
    const { target, tag } = request;
    const { requester } = target;
    const key: TagKey = { ...repositoryIdOf(target), tag, acceptClass: acceptClass(request.accept) };
    const { freshness } = target.upstream.config;
    const ttlMs = SIGNATURE_TAG.test(tag)
      ? Math.min(freshness.tagTTLMs, SIGNATURE_TAG_TTL_MS)
      : freshness.tagTTLMs;
    const known = requester.isApart ? views.get(viewOf(requester, key)) : store.tag(key);
    const ageMs = known === undefined ? Infinity : clock.now() - known.validatedAt;
    const isFresh = ageMs < ttlMs;
    if (known !== undefined && isFresh && requester.hasLiveProof()) {
      return { entry: known, record: undefined, status: { kind: 'hit', ttlSeconds: (ttlMs - ageMs) / 1000 } };
    }
    const mayBeStale = ageMs <= freshness.staleIfErrorMs && isTrusted(requester);
    try {
      const asking = (): Promise<ResolvedTag> => ask(request, key, known, isFresh);
      return await untilAborted(
        mayBeStale ? staleFallback(viewOf(requester, key), asking) : asking(),
        request.caller.signal,
      );
    } catch (error) {
      if (!isLarderError(error) || !excusesStaleness(error) || !isTrusted(requester)) throw error;
      const last = known ?? (requester.isApart ? store.tag(key) : undefined) ?? anotherClass(request, key);
      const staleMs = clock.now() - (last?.validatedAt ?? -Infinity);
      if (last === undefined || staleMs > freshness.staleIfErrorMs) throw error;
      if (!requester.hasLiveProof()) requester.decision = 'outage';
      const old = { ttlSeconds: (ttlMs - staleMs) / 1000, detail: error.code };
      return {
        entry: last,
        record: undefined,
        status: isFresh ? { kind: 'hit', ...old } : { kind: 'stale', ...old },
      };
    }
  };

  /**
   * Finds, in an outage, the newest answer for clients with another `Accept`, of a media type that this client takes too. A single
   * image given to a client that takes no lists may be the registry's choice of a platform: clients that take lists do not get it.
   */
  function anotherClass({ accept, tag }: TagRequest, key: TagKey): TagEntry | undefined {
    const usable = store
      .tagClasses(key, tag)
      .filter(({ entry }) => accepts(accept, entry.mediaType))
      .filter(({ entry, acceptClass: other }) => LISTS.includes(entry.mediaType) || takesLists(other))
      .map(({ entry }) => entry);
    return usable.sort((a, b) => b.validatedAt - a.validatedAt)[0];
  }

  async function ask(
    request: TagRequest,
    key: TagKey,
    known: TagEntry | undefined,
    isFresh: boolean,
  ): Promise<ResolvedTag> {
    const { target, tag, method } = request;
    const { requester } = target;
    const what = `tag ${tag} ${key.acceptClass}`;
    failures.rethrow(target, what);
    const isElsewhere = requester.isApart && (seen.has(placeOf(key)) || store.tag(key) !== undefined);
    const byHead = known !== undefined || method === 'HEAD' || isElsewhere;
    const flights = byHead ? revalidations : fetches;
    const collapsed = flights.has(viewOf(requester, key));
    const answer = await flights.do(viewOf(requester, key), () =>
      (byHead ? revalidate(request, key) : fetch(request, key)).catch((error: unknown) => {
        if (isLarderError(error, 'MANIFEST_UNKNOWN')) {
          forget(requester, key);
          failures.remember(target, what, error);
        }
        throw error;
      }),
    );
    return {
      entry: answer.entry,
      record: answer.record,
      status: statusOf(target, answer, { known, isFresh, collapsed }),
    };
  }

  function statusOf(
    target: Target,
    { entry, record, stored }: Answer,
    before: { known: TagEntry | undefined; isFresh: boolean; collapsed: boolean },
  ): CacheStatus {
    const how = { ...(stored && { stored: true }), ...(before.collapsed && { collapsed: true }) };
    const isHere = record === undefined && store.presence(entry.digest, repositoryIdOf(target)) === 'linked';
    if (isHere && (before.isFresh || (target.requester.isApart && before.known === undefined)))
      return { kind: 'proven', status: 200 };
    return before.known === undefined
      ? { kind: 'miss', ...how }
      : { kind: 'revalidated', status: 200, ...how };
  }

  function remember(requester: Requester, key: TagKey, entry: TagEntry): void {
    if (!requester.isApart) {
      store.putTag(key, entry);
      return;
    }
    views.set(viewOf(requester, key), entry);
    seen.set(placeOf(key), true);
  }

  function forget(requester: Requester, key: TagKey): void {
    if (requester.isApart) views.delete(viewOf(requester, key));
    else store.dropTag(key, key.tag);
  }

  /** Asks by HEAD, and by GET if the upstream does not support HEAD or does not state the digest. */
  async function revalidate(request: TagRequest, key: TagKey): Promise<Answer> {
    const { target, tag, accept } = request;
    const reference = { kind: 'tag', tag } as const;
    const head = await headManifest({ target, reference, accept, signal: deps.signal });
    if (head?.digest === undefined || head.size === undefined) return fetch(request, key);
    const entry: TagEntry = {
      digest: head.digest,
      mediaType: head.mediaType,
      size: head.size,
      validatedAt: clock.now(),
    };
    remember(target.requester, key, entry);
    manifests.expect(target, entry.digest);
    return { entry, record: undefined, stored: false };
  }

  async function fetch({ target, tag, accept }: TagRequest, key: TagKey): Promise<Answer> {
    const { requester } = target;
    // Set before the answer: a caller that comes meanwhile asks by HEAD, and joins the fetch of the digest.
    if (requester.isApart) seen.set(placeOf(key), true);
    const { record, stored } = await manifests.fetchTag(target, tag, accept).catch((error: unknown) => {
      seen.delete(placeOf(key));
      throw error;
    });
    const entry: TagEntry = {
      digest: record.digest,
      mediaType: record.mediaType,
      size: record.content.length,
      validatedAt: clock.now(),
    };
    if (!record.unverifiable) remember(requester, key, entry);
    return { entry, record, stored };
  }
}

/** True if the requester may get an old answer while the upstream cannot be asked. */
function isTrusted(requester: Requester): boolean {
  return requester.hasLiveProof() || requester.mayUseDuringOutage();
}

/** Key of a tag. No part can contain a space, so keys are unique. */
function placeOf({ upstream, repository, tag, acceptClass: ofClass }: TagKey): string {
  return `${upstream}/${repository}:${tag} ${ofClass}`;
}

function viewOf(requester: Requester, key: TagKey): string {
  return `${requester.key} ${placeOf(key)}`;
}

const LISTS = [OCI_INDEX, DOCKER_LIST];

/** True if the accept class takes both kinds of lists. */
function takesLists(ofClass: string): boolean {
  return ofClass.includes('i') && ofClass.includes('l') && !ofClass.includes('<') && !ofClass.includes(':');
}
