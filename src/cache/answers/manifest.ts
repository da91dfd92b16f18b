import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import { DOCKER_LIST, OCI_INDEX } from '../../oci/media-types.ts';
import type { ManifestReference } from '../../oci/reference.ts';
import { notModified } from '../http/if-none-match.ts';
import { ageSeconds, sendBody, sendHead, type Headers } from '../http/answer.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import type { Target } from '../access/target.ts';
import type { AccessCheck } from './authorize.ts';
import type { ManifestRecord } from './manifest-record.ts';
import type { Manifests } from './manifests.ts';
import type { ResolvedTag, TagRequest } from './tag-freshness.ts';

export interface ManifestAnswerDeps {
  readonly manifests: Manifests;
  readonly authorize: AccessCheck;
  readonly resolveTag: (request: TagRequest) => Promise<ResolvedTag>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type ManifestAnswers = (
  exchange: RegistryExchange,
  target: Target,
  reference: ManifestReference,
) => Promise<void>;

/** Answers GET and HEAD of a manifest by tag or digest to callers with access. Ignores `Range`, since the whole document is small. */
export function createManifestAnswers(deps: ManifestAnswerDeps): ManifestAnswers {
  const { manifests, clock } = deps;

  return async function answerManifest(exchange, target, reference) {
    exchange.contentType = 'manifest';
    if (reference.kind === 'digest') await answerDigest(exchange, target, reference.digest);
    else await answerTag(exchange, target, reference);
  };

  async function answerDigest(exchange: RegistryExchange, target: Target, digest: Digest): Promise<void> {
    const local = await manifests.local(target, digest);
    if (local !== undefined) {
      const status: CacheStatus = target.requester.hasLiveProof()
        ? { kind: 'hit' }
        : await deps.authorize(exchange, target, () => manifests.confirm(target, digest));
      send(exchange, target, digest, local, status, local.storedAt);
      return;
    }
    const { record, stored, collapsed } = await untilAborted(
      manifests.fetch(target, digest),
      exchange.signal,
    );
    exchange.bytesFrom = collapsed ? 'join' : 'fill';
    send(exchange, target, digest, record, missed(record, stored, collapsed));
  }

  async function answerTag(
    exchange: RegistryExchange,
    target: Target,
    reference: ManifestReference & { kind: 'tag' },
  ): Promise<void> {
    const method = exchange.isHead ? 'HEAD' : 'GET';
    const resolved = await deps.resolveTag({
      target,
      tag: reference.tag,
      accept: exchange.accept,
      method,
      caller: exchange,
    });
    const { entry, status } = resolved;
    const validatedAt = status.kind === 'miss' ? undefined : entry.validatedAt;
    if (exchange.isHead) {
      const headers = manifestHeaders(entry.digest, entry.mediaType, validatedAt);
      sendHead(exchange, 200, status, { ...headers, 'Content-Length': entry.size });
      return;
    }
    const here = resolved.record ?? (await manifests.local(target, entry.digest));
    if (here !== undefined) {
      exchange.bytesFrom = status.kind === 'stale' ? 'stale' : status.kind === 'miss' ? 'fill' : 'hit';
      send(
        exchange,
        target,
        reference.tag,
        here,
        here.unverifiable ? missed(here, false, false) : status,
        validatedAt,
      );
      return;
    }
    const { record, stored, collapsed } = await untilAborted(
      manifests.fetch(target, entry.digest),
      exchange.signal,
    );
    exchange.bytesFrom = collapsed ? 'join' : 'fill';
    const fetched: CacheStatus =
      status.kind === 'revalidated' ? { ...status, stored } : missed(record, stored, collapsed);
    send(exchange, target, reference.tag, record, fetched);
  }

  function send(
    exchange: RegistryExchange,
    target: Target,
    reference: string,
    record: ManifestRecord,
    status: CacheStatus,
    since?: number,
  ): void {
    const headers = manifestHeaders(record.digest, record.mediaType, since);
    if (notModified(exchange, `"${record.digest}"`)) {
      sendHead(exchange, 304, status, headers);
      return;
    }
    sendBody(exchange, 200, status, headers, record.content);
    if (!exchange.isHead) logPull(target, reference, record, status);
  }

  /** Logs one line per pull of an image: every client fetches the manifest of an image exactly once. An index is not logged. */
  function logPull(target: Target, reference: string, record: ManifestRecord, status: CacheStatus): void {
    if (record.mediaType === OCI_INDEX || record.mediaType === DOCKER_LIST || !deps.logger.enabled('info'))
      return;
    const blobs = record.parsed?.blobs ?? [];
    deps.logger.info('image pulled', {
      event: 'pull',
      upstream: target.upstream.name,
      repository: target.repository,
      reference,
      digest: record.digest,
      cache: status.kind,
      layers: Math.max(0, blobs.length - 1),
      bytes: blobs.reduce((sum, blob) => sum + blob.size, record.content.length),
    });
  }

  function manifestHeaders(digest: Digest, mediaType: string, since: number | undefined): Headers {
    return {
      'Content-Type': mediaType,
      'Docker-Content-Digest': digest,
      ETag: `"${digest}"`,
      ...(since !== undefined && { Age: ageSeconds(clock.now(), since) }),
    };
  }
}

function missed(record: ManifestRecord, stored: boolean, collapsed: boolean): CacheStatus {
  if (record.unverifiable) return { kind: 'bypass', detail: 'SCHEMA1' };
  if (collapsed) return { kind: 'miss', collapsed: true };
  return stored ? { kind: 'miss', stored: true } : { kind: 'miss', detail: 'NOT_STORED' };
}
