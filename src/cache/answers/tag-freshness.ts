import { LRUCache } from 'lru-cache';
import { sleep, type Clock } from '../../kit/clock.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import { untilAborted } from '../../kit/abort.ts';
import type { Tag } from '../../oci/reference.ts';
import { acceptClass, accepts, DOCKER_LIST, OCI_INDEX } from '../../oci/media-types.ts';
import type { Store, TagEntry, TagKey } from '../../store/types.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import { originOf } from '../pull/engine.ts';
import type { RecentFailures } from '../pull/recent-failures.ts';
import type { Target } from '../upstreams.ts';
import { headManifest } from './manifest-fetch.ts';
import type { ManifestRecord } from './manifest-record.ts';
import type { Manifests } from './manifests.ts';
import { excusesStaleness } from './upstream-answer.ts';

/**
 * Signature and fallback tags such as `sha256-<hex>.sig` are rewritten with every signature (cosign SIGNATURE_SPEC,
 * distribution-spec "Referrers Tag Schema"): a new one must show within seconds.
 */
const SIGNATURE_TAG = /^sha(?:256|512)-[0-9a-f]{32,128}(?:\.\w+)?$/;
const SIGNATURE_TAG_TTL_MS = 5_000;

/** With something to fall back on, nobody waits longer than this for an upstream that does not answer. */
const PATIENCE_MS = 5_000;

/** After a failed revalidation the upstream is left alone this long; below the 10 s in which all must be normal again. */
const FAILURE_PAUSE_MS = 5_000;

/** What a tag stands for now, how that is known, and the manifest itself where it came along. */
export interface ResolvedTag {
  readonly entry: TagEntry;
  readonly record: ManifestRecord | undefined;
  readonly status: CacheStatus;
}

export interface TagFreshnessDeps {
  readonly store: Store;
  readonly manifests: Manifests;
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
  /** Whoever waits; its signal is taken only when there is something to wait for. */
  readonly caller: { readonly signal: AbortSignal };
}

type Answer = Omit<ResolvedTag, 'status'> & { readonly stored: boolean };

/**
 * What a tag points to (law 5). Younger than `tagTTL`: answered without the upstream. Older: one revalidation for all who ask,
 * by HEAD where there is something to compare. When that fails for network, time-out, 5xx or 429, the old answer is given while it is
 * no older than `staleIfError`, and says so; for want of one, what clients with another `Accept` got. 401, 403 and 404 are always relayed, and a 404 forgets the tag.
 */
export function createTagFreshness(deps: TagFreshnessDeps): (request: TagRequest) => Promise<ResolvedTag> {
  const { store, manifests, clock, failures } = deps;
  const flights = new SingleFlight<string, Answer>();
  const pauses = new LRUCache<string, { until: number; error: LarderError }>({ max: 10_000 });

  return async function resolveTag(request) {
    const { target, tag } = request;
    const key: TagKey = { ...originOf(target), tag, acceptClass: acceptClass(request.accept) };
    const { freshness } = target.upstream.config;
    const ttlMs = SIGNATURE_TAG.test(tag)
      ? Math.min(freshness.tagTtlMs, SIGNATURE_TAG_TTL_MS)
      : freshness.tagTtlMs;
    const known = store.tag(key);
    const ageMs = known === undefined ? Infinity : clock.now() - known.validatedAt;
    if (known !== undefined && ageMs < ttlMs) {
      return { entry: known, record: undefined, status: { kind: 'hit', ttlSeconds: (ttlMs - ageMs) / 1000 } };
    }
    const id = `${key.upstream}/${key.repository}:${tag} ${key.acceptClass}`;
    const mayBeStale = ageMs <= freshness.staleIfErrorMs;
    try {
      const pause = mayBeStale ? pauses.get(id) : undefined;
      if (pause !== undefined && pause.until > clock.monotonic()) throw pause.error;
      return await ask(request, key, id, known !== undefined, mayBeStale);
    } catch (error) {
      if (!isLarderError(error) || !excusesStaleness(error)) throw error;
      const last = known ?? anotherClass(request, key);
      const staleMs = clock.now() - (last?.validatedAt ?? -Infinity);
      if (last === undefined || staleMs > freshness.staleIfErrorMs) throw error;
      if ((pauses.get(id)?.until ?? 0) <= clock.monotonic()) {
        pauses.set(id, { until: clock.monotonic() + FAILURE_PAUSE_MS, error });
      }
      return {
        entry: last,
        record: undefined,
        status: { kind: 'stale', ttlSeconds: (ttlMs - staleMs) / 1000, detail: error.code },
      };
    }
  };

  /**
   * In an outage, what the tag was for clients with another `Accept`, when this one takes that media type too. A single image that
   * was given to somebody who takes no lists may be the registry's choice of a platform: it is not passed on to those who do.
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
    id: string,
    known: boolean,
    mayBeStale: boolean,
  ): Promise<ResolvedTag> {
    failures.rethrow(key, id);
    const byHead = known || request.method === 'HEAD';
    const flightId = `${id} ${byHead ? 'HEAD' : 'GET'}`;
    const collapsed = flights.has(flightId);
    const flight = flights.do(flightId, () =>
      (byHead ? revalidate(request, key) : fetch(request, key)).catch((error: unknown) => {
        if (isLarderError(error, 'MANIFEST_UNKNOWN')) {
          store.dropTag(key, request.tag);
          failures.remember(key, id, error);
        }
        throw error;
      }),
    );
    const answer = await untilAborted(mayBeStale ? impatient(flight, key) : flight, request.caller.signal);
    const how = { ...(answer.stored && { stored: true }), ...(collapsed && { collapsed: true }) };
    return {
      entry: answer.entry,
      record: answer.record,
      status: known ? { kind: 'revalidated', status: 200, ...how } : { kind: 'miss', ...how },
    };
  }

  /** HEAD, and GET where the upstream does not do HEAD or does not state the digest. */
  async function revalidate(request: TagRequest, key: TagKey): Promise<Answer> {
    const { target, tag, accept } = request;
    const reference = { kind: 'tag', tag } as const;
    const head = await headManifest({
      target,
      reference,
      accept,
      credential: { kind: 'own' },
      signal: deps.signal,
    });
    if (head?.digest === undefined || head.size === undefined) return fetch(request, key);
    const entry: TagEntry = {
      digest: head.digest,
      mediaType: head.mediaType,
      size: head.size,
      validatedAt: clock.now(),
    };
    store.putTag(key, entry);
    return { entry, record: undefined, stored: false };
  }

  async function fetch(request: TagRequest, key: TagKey): Promise<Answer> {
    const { record, stored } = await manifests.fetchTag(request.target, request.tag, request.accept);
    const entry: TagEntry = {
      digest: record.digest,
      mediaType: record.mediaType,
      size: record.content.length,
      validatedAt: clock.now(),
    };
    if (!record.unverifiable) store.putTag(key, entry);
    return { entry, record, stored };
  }

  /** Gives up on an upstream that keeps silent; the revalidation goes on and serves the next caller. */
  async function impatient(flight: Promise<Answer>, key: TagKey): Promise<Answer> {
    const timer = new AbortController();
    const tooLong = sleep(clock, PATIENCE_MS, timer.signal).then(() => {
      throw new LarderError(
        'UPSTREAM_TIMEOUT',
        `${key.upstream} did not answer for ${key.tag} within ${PATIENCE_MS / 1000} s`,
      );
    });
    try {
      return await Promise.race([flight, tooLong]);
    } finally {
      timer.abort(new Error('answered'));
      tooLong.catch(() => {});
    }
  }
}

const LISTS = [OCI_INDEX, DOCKER_LIST];

/** True for an accept class with both kinds of lists. */
function takesLists(ofClass: string): boolean {
  return ofClass.includes('i') && ofClass.includes('l') && !ofClass.includes('<') && !ofClass.includes(':');
}
