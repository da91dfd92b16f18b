import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ByteRange } from '../../oci/range.ts';
import type { ContentStore, OpenContent } from '../../store/types.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { Target } from '../access/target.ts';
import { ageSeconds, sendHead, type Headers } from '../http/answer.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/registry-exchange.ts';
import { notModified } from '../http/if-none-match.ts';
import type { BufferPool } from '../pull/buffer-pool.ts';
import { storedSource } from '../pull/byte-source.ts';
import type { PullEngine } from '../pull/engine.ts';
import { pump } from '../pull/pump.ts';
import type { SizeHints } from '../pull/size-hints.ts';
import type { AccessCheck } from './authorize.ts';
import { createBlobFallbacks } from './blob-fallbacks.ts';
import { createFillReader } from './blob-from-fill.ts';
import { beginBlob, blobHeaders, rangeToResume, unsent } from './blob-head.ts';
import { BlobProgress, type BlobProgressDeps } from './blob-progress.ts';
import { decideBlob, type BlobStep } from './decide-blob.ts';

export interface BlobAnswerDeps extends BlobProgressDeps {
  readonly store: Pick<ContentStore, 'presence' | 'info' | 'open'>;
  readonly pulls: Pick<PullEngine, 'running' | 'start' | 'confirm'>;
  readonly authorize: AccessCheck;
  readonly pool: BufferPool;
  readonly sizes: SizeHints;
  readonly clock: Clock;
  /** Called for each request that joins a fill. */
  readonly joined: () => void;
}

export type BlobAnswers = (exchange: RegistryExchange, target: Target, digest: Digest) => Promise<void>;

/** Carries out one step. Resolves with true once the request is answered, with false if another step has to follow. */
type CarryOut = (progress: BlobProgress) => Promise<boolean>;

/**
 * Answers GET and HEAD of a blob to callers with access: from the store, from a running fill, or by starting a fill. Throws the
 * error for the client.
 */
export function createBlobAnswers(deps: BlobAnswerDeps): BlobAnswers {
  const { store, pulls, sizes, clock } = deps;
  const fallbacks = createBlobFallbacks(deps);

  const carryOut: Readonly<Record<BlobStep, CarryOut>> = {
    serve: (progress) => serve(progress, { kind: 'hit' }),
    async authorizeAndServe(progress) {
      const { exchange, target } = progress;
      return serve(progress, await deps.authorize(exchange, target, () => confirm(progress)));
    },
    async confirmAndServe(progress) {
      await confirm(progress);
      return serve(progress, { kind: 'proven', status: 200 });
    },
    sizeFromFill: async (progress) => sendSize(progress, { kind: 'hit' }, progress.part.fill.size),
    async sizeFromUpstream(progress) {
      const { exchange, target, digest } = progress;
      const size = await untilAborted(pulls.confirm(target, digest), exchange.signal);
      return sendSize(progress, { kind: 'miss', status: 200 }, size);
    },
    async start(progress) {
      const { exchange, target, digest, repositoryId } = progress;
      progress.take(pulls.start(target, digest, sizes.size(repositoryId, digest)), true);
      await progress.part.waitForUpstream(exchange.signal);
      return false;
    },
    async join({ exchange, part, isConfirmed }) {
      part.join(isConfirmed);
      deps.joined();
      await part.waitForUpstream(exchange.signal);
      return false;
    },
    async confirm(progress) {
      await confirm(progress);
      progress.nextRound();
      return false;
    },
    read: createFillReader(deps, fallbacks),
    takeOver: (progress) => answerWithoutStore(progress, progress.part.fill.claim()),
    bypass: (progress) => answerWithoutStore(progress, undefined),
    refuse({ part }) {
      throw part.refusal as LarderError;
    },
    fail({ part }) {
      throw part.failure as Error;
    },
  };

  return async function answerBlob(exchange, target, digest) {
    exchange.contentType = 'blob';
    const progress = new BlobProgress(deps, exchange, target, digest);
    let isAnswered = false;
    while (!isAnswered) isAnswered = await carryOut[decideBlob(progress)](progress);
  };

  async function confirm(progress: BlobProgress): Promise<void> {
    const { exchange, target, digest } = progress;
    await untilAborted(pulls.confirm(target, digest), exchange.signal);
    progress.isConfirmed = true;
  }

  /** Sends the stored bytes, or those that are missing from an answer that has begun. */
  async function serve(progress: BlobProgress, status: CacheStatus): Promise<boolean> {
    const { exchange, digest } = progress;
    progress.isAuthorized = true;
    // containerd before 2.2.6 would keep a manifest under /blobs/ with a wrong media type.
    if (store.info(digest)?.type === 'manifest') throw blobUnknown(digest);
    const content = await store.open(digest);
    if (content === undefined) {
      progress.missStored();
      return false;
    }
    const { response, signal } = exchange;
    let range = progress.begun;
    try {
      exchange.bytesFrom = 'hit';
      range ??= beginStored(exchange, content, status);
      if (range === undefined) return true;
      await pump(storedSource(content), unsent(exchange, range), exchange, deps.pool, signal);
      response.end();
      return true;
    } catch (error) {
      if (!isLarderError(error, 'STORE_DAMAGED')) throw error;
      progress.begun = rangeToResume(exchange, range);
      progress.nextRound();
      return false;
    } finally {
      content.close();
    }
  }

  /** Undefined once the answer is complete. */
  function beginStored(
    exchange: RegistryExchange,
    { digest, size, storedAt }: OpenContent,
    status: CacheStatus,
  ): ByteRange | undefined {
    const headers: Headers = { ...blobHeaders(digest), Age: ageSeconds(clock.now(), storedAt) };
    if (!notModified(exchange, `"${digest}"`)) return beginBlob(exchange, size, status, headers);
    sendHead(exchange, 304, status, headers);
    return undefined;
  }

  function sendSize({ exchange, digest }: BlobProgress, status: CacheStatus, size: number | undefined): true {
    sendHead(exchange, 200, status, {
      ...blobHeaders(digest),
      ...(size !== undefined && { 'Content-Length': size }),
    });
    return true;
  }

  async function answerWithoutStore(
    { exchange, target, digest, part }: BlobProgress,
    claimed: UpstreamResponse | undefined,
  ): Promise<boolean> {
    const isHandedBack = isLarderError(part.failure, 'STORE_HANDED_BACK');
    const detail = isHandedBack ? 'STORE_HANDED_BACK' : 'STORE_FULL';
    await fallbacks.answerWithoutStore(exchange, target, digest, claimed, detail);
    return true;
  }
}

function blobUnknown(digest: Digest): LarderError {
  return new LarderError('BLOB_UNKNOWN', `${digest} is a manifest, not a blob: ask for it under /manifests/`);
}
