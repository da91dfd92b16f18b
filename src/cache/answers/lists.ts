import { LRUCache } from 'lru-cache';
import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError, type LarderError } from '../../kit/errors.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import type { Digest } from '../../oci/digest.ts';
import { MANIFEST_SIZE_LIMIT } from '../../oci/manifest.ts';
import { OCI_INDEX } from '../../oci/media-types.ts';
import { ageSeconds, sendBody, type Headers } from '../http/answer.ts';
import type { Requester } from '../access/requester.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { RecentFailures } from '../pull/recent-failures.ts';
import type { Target } from '../access/target.ts';
import { rewriteLink } from './rewrite-link.ts';
import { toRefusal, excusesStaleness, UpstreamRefusal } from '../../upstream/refusal.ts';

/** Lists are kept in memory only. */
const MEMORY_BYTES = 8 * 1024 * 1024;

/** A new signature or tag must show soon: no list is older than this (docs/laws.md, "Do no harm"). */
const LIST_TTL_MS = 30_000;
const EMPTY_REFERRERS_TTL_MS = 5_000;

/** Distribution caps a page at 1000 tags; Docker Hub's lists reach some MiB. */
const LIST_SIZE_LIMIT = 2 * MANIFEST_SIZE_LIMIT;
const ERROR_BODY_LIMIT = 64 * 1024;

interface List {
  /** `tags/list` or `referrers/<digest>`. */
  readonly path: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly link: string | undefined;
  readonly filters: string | undefined;
  readonly fetchedAt: number;
}

export interface ListAnswerDeps {
  readonly clock: Clock;
  readonly failures: RecentFailures;
  readonly signal: AbortSignal;
}

export interface ListAnswers {
  tags(exchange: RegistryExchange, target: Target): Promise<void>;
  referrers(exchange: RegistryExchange, target: Target, digest: Digest): Promise<void>;
}

/**
 * Answers tag lists and referrers. A list is passed through byte by byte and kept for `tagTTL` at most. When the upstream fails, an
 * older list is given as stale, like a tag. Anonymous callers share lists; a caller with a credential has lists of its own. `Link` is
 * rewritten to this cache.
 */
export function createListAnswers(deps: ListAnswerDeps): ListAnswers {
  const { clock, failures } = deps;
  const memory = new LRUCache<string, List>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: (list) => list.body.length + 512,
  });
  const flights = new SingleFlight<string, List>();

  return {
    tags: (exchange, target) =>
      answer(exchange, target, 'tags', `tags/list${pageQuery(exchange, ['n', 'last'])}`),
    referrers: (exchange, target, digest) =>
      answer(exchange, target, 'referrers', `referrers/${digest}${pageQuery(exchange)}`),
  };

  async function answer(
    exchange: RegistryExchange,
    target: Target,
    kind: 'tags' | 'referrers',
    rest: string,
  ): Promise<void> {
    const { upstream, repository, requester } = target;
    const key = `${requester.key} ${upstream.name}/${repository}/${rest}`;
    const { freshness, authentication } = upstream.config;
    const remembered = memory.get(key);
    const known =
      remembered !== undefined && requester.isStillValid(remembered.fetchedAt) ? remembered : undefined;
    const ttlMs = Math.min(
      freshness.tagTTLMs,
      authentication.proofLifetimeMs,
      known !== undefined && isEmpty(kind, known) ? EMPTY_REFERRERS_TTL_MS : LIST_TTL_MS,
    );
    const ageMs = known === undefined ? Infinity : clock.now() - known.fetchedAt;
    if (known !== undefined && ageMs < ttlMs) {
      send(exchange, target, known, { kind: 'hit', ttlSeconds: (ttlMs - ageMs) / 1000 });
      return;
    }
    failures.rethrow(target, rest);
    const collapsed = flights.has(key);
    try {
      const list = await untilAborted(
        flights.do(key, () => fetch(target, kind, rest, key)),
        exchange.signal,
      );
      exchange.bytesFrom = collapsed ? 'join' : 'fill';
      const status: CacheStatus =
        known === undefined ? { kind: 'miss' } : { kind: 'revalidated', status: 200 };
      send(exchange, target, list, { ...status, ...(collapsed && { collapsed: true }) });
    } catch (error) {
      if (
        !isLarderError(error) ||
        !excusesStaleness(error) ||
        known === undefined ||
        ageMs > freshness.staleIfErrorMs ||
        !mayBeStale(requester, ageMs, authentication.proofLifetimeMs)
      )
        throw error;
      exchange.bytesFrom = 'stale';
      send(exchange, target, known, {
        kind: 'stale',
        ttlSeconds: (ttlMs - ageMs) / 1000,
        detail: error.code,
      });
    }
  }

  async function fetch(target: Target, kind: 'tags' | 'referrers', rest: string, key: string): Promise<List> {
    const response = await target.requester.request({
      method: 'GET',
      kind,
      path: `/v2/${target.repository}/${rest}`,
      signal: deps.signal,
      accept: kind === 'referrers' ? OCI_INDEX : 'application/json',
    });
    if (response.status !== 200) {
      memory.delete(key);
      const { upstream, repository } = target;
      const error = await listRefusal(
        response,
        kind,
        `${upstream.name}/${repository} (${rest.split('?')[0]})`,
      );
      if (error.status === 404) failures.remember(target, rest, error);
      throw error;
    }
    const list: List = {
      path: rest.split('?')[0] as string,
      body: await response.read(LIST_SIZE_LIMIT),
      contentType:
        response.headers['content-type'] ?? (kind === 'referrers' ? OCI_INDEX : 'application/json'),
      link: response.headers['link'],
      filters: response.headers['oci-filters-applied'],
      fetchedAt: clock.now(),
    };
    memory.set(key, list);
    return list;
  }

  function send(exchange: RegistryExchange, target: Target, list: List, status: CacheStatus): void {
    const link = list.link === undefined ? undefined : rewriteLink(list.link, target, list.path);
    const headers: Headers = {
      'Content-Type': list.contentType,
      ...(status.kind !== 'miss' && { Age: ageSeconds(clock.now(), list.fetchedAt) }),
      ...(link !== undefined && { Link: link }),
      ...(list.filters !== undefined && { 'OCI-Filters-Applied': list.filters }),
    };
    sendBody(exchange, 200, status, headers, list.body);
  }
}

/** True if a list may be used in an outage: a shared one, one no older than a proof may be, or any by an older proof that counts. */
function mayBeStale(requester: Requester, ageMs: number, proofLifetimeMs: number): boolean {
  return !requester.isApart || ageMs < proofLifetimeMs || requester.mayUseDuringOutage();
}

/**
 * Makes the error for a list that the upstream refused. A 404 of referrers means that the repository is unknown, or that the registry
 * has no such API; only the code in the body distinguishes the two. ORAS looks for the fallback tag in the second case alone
 * (oras-go v2.7, repository.go).
 */
async function listRefusal(
  response: UpstreamResponse,
  kind: 'tags' | 'referrers',
  name: string,
): Promise<LarderError> {
  if (response.status !== 404 || kind === 'tags') {
    response.body.destroy();
    return toRefusal(response, 'list', name);
  }
  const body = (await response.read(ERROR_BODY_LIMIT)).toString('utf8');
  if (body.includes('"NAME_UNKNOWN"')) return toRefusal(response, 'list', name);
  return new UpstreamRefusal(
    'REFERRERS_UNSUPPORTED',
    `the upstream does not list referrers (${name})`,
    response.status,
  );
}

/** Query for the upstream, without `ns`, which is for this cache. Unknown parameters are kept unless `only` lists the known ones. */
function pageQuery(exchange: RegistryExchange, only?: readonly string[]): string {
  const params = new URLSearchParams();
  for (const [name, value] of exchange.params) {
    if (name !== 'ns' && (only === undefined || only.includes(name))) params.append(name, value);
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

function isEmpty(kind: 'tags' | 'referrers', list: List): boolean {
  return (
    kind === 'referrers' && /"manifests"\s*:\s*(?:\[\s*\]|null)/.test(list.body.toString('utf8', 0, 4096))
  );
}
