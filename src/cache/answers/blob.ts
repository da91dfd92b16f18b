import { sleep, type Clock } from '../../kit/clock.ts';
import { untilAborted } from '../../kit/abort.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import { createDigestHash, type Digest } from '../../oci/digest.ts';
import type { ByteRange } from '../../oci/range.ts';
import type { ContentStore, OpenContent } from '../../store/types.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import { ageSeconds, notModified, sendHead, type Headers } from '../http/answer.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { storedSource } from '../pull/byte-source.ts';
import type { BufferPool } from '../pull/buffer-pool.ts';
import { BODY_END, directBody, openDirect } from '../pull/direct-body.ts';
import type { PullEngine } from '../pull/engine.ts';
import { HOLD_BACK_BYTES, isStoreTrouble, type Fill } from '../pull/fill.ts';
import { pump } from '../pull/pump.ts';
import type { SizeHints } from '../pull/size-hints.ts';
import { verifiedBody } from '../pull/verified-body.ts';
import { originOf, type Target } from '../access/target.ts';
import type { Admission } from './authorize.ts';
import { beginBlob, beginUnsizedBlob, blobHeaders } from './blob-head.ts';

/** A range further ahead of its fill than this is fetched by itself (contract: "One body"). */
const RANGE_WAIT_MS = 20_000;

/** Such a range is fetched in pieces, and between them the fill is looked at again. */
const RANGE_PIECE_BYTES = 16 * 1024 * 1024;

/** Headers go out after this long at the latest: containerd 2.3 gives up after 30 s without any. */
const HEADERS_WITHIN_MS = 10_000;

export interface BlobAnswerDeps {
  readonly store: ContentStore;
  readonly pulls: PullEngine;
  readonly admit: Admission;
  readonly pool: BufferPool;
  readonly sizes: SizeHints;
  readonly clock: Clock;
  readonly joined: () => void;
}

export type BlobAnswers = (exchange: RegistryExchange, target: Target, digest: Digest) => Promise<void>;

/**
 * Answers GET and HEAD of a blob from the store, from a running fill, or by starting one, for whom the upstream lets in. Throws
 * what the client is told.
 */
export function createBlobAnswers(deps: BlobAnswerDeps): BlobAnswers {
  const { store, pulls, sizes, clock } = deps;

  return async function answerBlob(exchange, target, digest) {
    const { upstream, repository, requester } = target;
    const origin = originOf(target);
    exchange.contentType = 'blob';
    /** True once the upstream has told this caller that the repository has it. */
    let confirmed = false;
    /** True once this caller may have it although the upstream was not asked now. */
    let admitted = false;
    /** What an answer is to give that has begun, and goes on because the stored bytes were found damaged. */
    let begun: ByteRange | undefined;
    const confirm = async (): Promise<void> => {
      await untilAborted(pulls.confirm(target, digest), exchange.signal);
      confirmed = true;
    };
    /** An older proof may make up for an outage only where the content is known to be in the repository. */
    const admit = async (presence: 'linked' | 'unlinked'): Promise<CacheStatus> => {
      if (confirmed || (presence === 'linked' && requester.proven())) return { kind: 'hit' };
      if (presence === 'linked') return deps.admit(exchange, target, confirm);
      await confirm();
      return { kind: 'proven', status: 200 };
    };

    for (let attempt = 1; ; attempt += 1) {
      const presence = store.presence(digest, origin);
      if (presence === 'linked' || presence === 'unlinked') {
        const status = await admit(presence);
        admitted = true;
        // A manifest under /blobs/ would be kept by containerd with a wrong media type (containerd before 2.2.6).
        if (store.info(digest)?.type === 'manifest') throw blobUnknown(digest);
        const content = await store.open(digest);
        if (content !== undefined) {
          const damaged = await answerStored(exchange, content, status, begun);
          if (damaged === undefined) return;
          begun = damaged.begun;
          continue;
        }
      }
      if (exchange.isHead) {
        await answerHead(exchange, target, digest);
        return;
      }
      const running = pulls.running(upstream.name, digest);
      if (running?.isOpening === true) throwRefusal(running, target);
      const mayJoin =
        running === undefined ||
        confirmed ||
        admitted ||
        running.sources.speakFor(target) ||
        (requester.proven() && running.sources.askIn(repository));
      if (!mayJoin) {
        await confirm();
        continue;
      }
      const fill = running ?? pulls.start(target, digest, sizes.size(origin, digest));
      if (running !== undefined) {
        running.sources.add(target, confirmed);
        deps.joined();
      }
      const trouble = await untilAborted(
        fill.opened.catch((error: unknown) => error),
        exchange.signal,
      );
      throwRefusal(fill, target);
      if (trouble !== undefined && !isStoreTrouble(trouble)) throw trouble as Error;
      const mayRead = confirmed || admitted || fill.sources.haveItIn(repository);
      if (trouble !== undefined) {
        if (begun !== undefined) throw trouble as Error;
        await answerWithoutStore(exchange, target, digest, mayRead ? fill.claim() : undefined);
        return;
      }
      if (!mayRead) {
        await confirm();
        continue;
      }
      // A fill may have ended between opening and this moment; then the store has the blob, or another fill is due.
      if (fill.retain()) {
        let damaged: Damaged | undefined;
        try {
          damaged = await answerFill(exchange, target, fill, running === undefined, begun);
        } finally {
          fill.release();
        }
        if (damaged === undefined) return;
        begun = damaged.begun;
        continue;
      }
      if (attempt >= 3)
        throw fill.failure ?? new LarderError('STORE_UNAVAILABLE', `${digest} could not be kept`);
    }
  };

  /**
   * Gives an answer from the store, or the rest of one that has `begun`. Undefined when it is complete; otherwise the stored bytes were
   * found damaged, and the answer has to go on from elsewhere.
   */
  async function answerStored(
    exchange: RegistryExchange,
    content: OpenContent,
    status: CacheStatus,
    begun: ByteRange | undefined,
  ): Promise<Damaged | undefined> {
    const { response, signal } = exchange;
    let range = begun;
    try {
      exchange.bytesFrom = 'hit';
      const headers: Headers = {
        ...blobHeaders(content.digest),
        Age: ageSeconds(clock.now(), content.storedAt),
      };
      if (begun === undefined && notModified(exchange, `"${content.digest}"`)) {
        sendHead(exchange, 304, status, headers);
        return undefined;
      }
      range ??= beginBlob(exchange, content.size, status, headers);
      if (range === undefined) return undefined;
      await pump(storedSource(content), unsent(exchange, range), exchange, deps.pool, signal);
      response.end();
      return undefined;
    } catch (error) {
      if (!isLarderError(error, 'STORE_DAMAGED')) throw error;
      return damagedUnder(exchange, range);
    } finally {
      content.close();
    }
  }

  /**
   * The size is known from a running fill that this caller may read, or else the upstream is asked: that a manifest names a blob says
   * nothing of whether this repository has it (decision 0005, T3).
   */
  async function answerHead(exchange: RegistryExchange, target: Target, digest: Digest): Promise<void> {
    const running = pulls.running(target.upstream.name, digest);
    const mayRead =
      running !== undefined && target.requester.proven() && running.sources.haveItIn(target.repository);
    const known = mayRead ? running.size : undefined;
    const size = known ?? (await untilAborted(pulls.confirm(target, digest), exchange.signal));
    sendHead(exchange, 200, known === undefined ? { kind: 'miss', status: 200 } : { kind: 'hit' }, {
      ...blobHeaders(digest),
      ...(size !== undefined && { 'Content-Length': size }),
    });
  }

  /** As {@link answerStored}, from a fill: what it has stored may be damaged before a slow caller has all of it. */
  async function answerFill(
    exchange: RegistryExchange,
    target: Target,
    fill: Fill,
    first: boolean,
    begun: ByteRange | undefined,
  ): Promise<Damaged | undefined> {
    const status: CacheStatus = first ? { kind: 'miss', stored: true } : { kind: 'miss', collapsed: true };
    exchange.bytesFrom = first ? 'fill' : 'join';
    const { response, signal } = exchange;
    const { size } = fill;
    const range =
      begun ??
      (size === undefined
        ? beginUnsizedBlob(exchange, status, fill.digest)
        : beginBlob(exchange, size, status, blobHeaders(fill.digest)));
    if (range === undefined) return undefined;
    const cancelFlush =
      size !== undefined && size > HOLD_BACK_BYTES && range.start <= fill.limit
        ? (response.flushHeaders(), undefined)
        : clock.after(HEADERS_WITHIN_MS, () => response.flushHeaders());
    try {
      // No byte of an empty body waits for the proof, so its answer has to.
      if (size === 0) await fill.grown(0, signal);
      // What has begun goes on with proven bytes alone, as its beginning was not hashed.
      const start =
        begun === undefined
          ? await passFarRange(exchange, target, fill, range)
          : unsent(exchange, begun).start;
      await pump(fill, { start, end: range.end }, exchange, deps.pool, signal);
    } catch (error) {
      if (isLarderError(error, 'STORE_DAMAGED')) {
        // Mended is what is stored, and nothing else is fetched twice for it.
        await fill.grown(BODY_END, signal);
        return damagedUnder(exchange, range);
      }
      if (!isStoreTrouble(error) || fill.failure !== error) throw error;
      await goOnWithoutStore(exchange, target, fill, range);
    } finally {
      cancelFlush?.();
    }
    response.end();
    return undefined;
  }

  /** Serves the pieces of a range for which the fill would take too long; gives the offset from which the fill takes over. */
  async function passFarRange(
    exchange: RegistryExchange,
    target: Target,
    fill: Fill,
    range: ByteRange,
  ): Promise<number> {
    const { signal } = exchange;
    const deadline = clock.monotonic() + RANGE_WAIT_MS;
    let offset = range.start;
    while (offset < range.end && fill.limit <= offset && range.start > 0) {
      const tooFar =
        fill.estimateMs(offset) > RANGE_WAIT_MS || (clock.monotonic() >= deadline && offset === range.start);
      if (tooFar) {
        const piece = { start: offset, end: Math.min(range.end, offset + RANGE_PIECE_BYTES) };
        const body = directBody({ target, digest: fill.digest, range: piece, kind: 'range', signal });
        for await (const chunk of body) await exchange.write(chunk);
        offset = piece.end;
        exchange.bytesFrom = 'bypass';
      } else {
        await Promise.race([fill.grown(offset, signal), sleep(clock, 1000, signal)]);
      }
    }
    return offset;
  }

  /** The disk is full in the middle of a fill: the reader takes what was written, and the rest from the upstream itself. */
  async function goOnWithoutStore(
    exchange: RegistryExchange,
    target: Target,
    fill: Fill,
    range: ByteRange,
  ): Promise<void> {
    const { signal } = exchange;
    // For who watches the cache; the caller may have been told before that it would be stored.
    exchange.status = { kind: 'bypass', detail: 'STORE_FULL' };
    const sent = unsent(exchange, range).start;
    const written = Math.min(fill.limit, range.end);
    if (sent < written) await pump(fill, { start: sent, end: written }, exchange, deps.pool, signal);
    const missing = Math.max(sent, written);
    const whole = range.start === 0 && range.end >= (fill.size ?? BODY_END);
    const hash = whole ? fill.forkHash() : undefined;
    // A whole body is proven from where the fill's hash ends, also where more of it than that was sent from a stored file.
    const rest = { start: hash === undefined ? missing : fill.limit, end: range.end };
    const body = directBody({ target, digest: fill.digest, range: rest, kind: 'blob', signal });
    await send(
      exchange,
      hash === undefined ? body : without(missing - rest.start, verifiedBody(body, fill.digest, hash)),
    );
  }

  /** No room, or a blob larger than the budget: served, and not stored. */
  async function answerWithoutStore(
    exchange: RegistryExchange,
    target: Target,
    digest: Digest,
    claimed: UpstreamResponse | undefined,
  ): Promise<void> {
    const { response, signal } = exchange;
    const { size, response: answer } =
      claimed === undefined
        ? await openDirect(target, digest, signal)
        : { size: claimed.contentLength, response: claimed };
    // With the reason: whoever reads would otherwise take it for a fault of the upstream's.
    const abort = (): void => void answer.body.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      exchange.bytesFrom = 'bypass';
      const status: CacheStatus = { kind: 'bypass', detail: 'STORE_FULL' };
      const range =
        size === undefined
          ? beginUnsizedBlob(exchange, status, digest)
          : beginBlob(exchange, size, status, blobHeaders(digest));
      if (range === undefined) return;
      const full = range.start === 0 && (size === undefined || range.end === size);
      if (!full) answer.body.destroy();
      const body = directBody({
        target,
        digest,
        range,
        kind: full ? 'blob' : 'range',
        signal,
        response: full ? answer : undefined,
      });
      await send(exchange, full ? verifiedBody(body, digest, createDigestHash(digest)) : body);
      response.end();
    } finally {
      signal.removeEventListener('abort', abort);
      answer.body.destroy();
    }
  }
}

/** What was answered from was found damaged; `begun`: what the answer is to give, if it has begun. */
interface Damaged {
  readonly begun: ByteRange | undefined;
}

function damagedUnder({ response }: RegistryExchange, range: ByteRange | undefined): Damaged {
  if (response.headersSent) return { begun: range };
  // What another answer may not set: where its size is not known, nothing of these is.
  for (const name of ['Age', 'Content-Length', 'Content-Range']) response.removeHeader(name);
  return { begun: undefined };
}

/** What of `range` is still to be sent. */
function unsent(exchange: RegistryExchange, range: ByteRange): ByteRange {
  return { start: range.start + exchange.sentBytes, end: range.end };
}

async function send(exchange: RegistryExchange, body: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of body) await exchange.write(chunk);
}

/** A body without its first `bytes`. */
async function* without(bytes: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** Whom the upstream has refused is refused, whoever else the fill goes on for. */
function throwRefusal({ sources }: Fill, target: Target): void {
  const refusal = sources.refusalOf(target);
  if (refusal !== undefined) throw refusal;
}

function blobUnknown(digest: Digest): LarderError {
  return new LarderError('BLOB_UNKNOWN', `${digest} is a manifest, not a blob: ask for it under /manifests/`);
}
