import { isLarderError, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseContentRange, type ByteRange } from '../../oci/range.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import { toRefusal } from '../../upstream/refusal.ts';
import { requestBlob } from './blob-request.ts';
import { contentName, type Target } from '../access/target.ts';

/** End of a range for a body of unknown size: it ends where the upstream ends it. */
export const BODY_END = Number.MAX_SAFE_INTEGER;

const FRUITLESS_ATTEMPTS = 3;

export interface DirectRequest {
  readonly target: Target;
  readonly digest: Digest;
  readonly range: ByteRange;
  readonly kind: 'blob' | 'range';
  readonly signal: AbortSignal;
  /** An open answer of the upstream that begins with these bytes. */
  readonly response?: UpstreamResponse | undefined;
}

/**
 * Streams bytes of a blob from the upstream to one caller, bypassing the store: when the disk is full, and for ranges far
 * ahead of a fill. The upstream is read at the caller's pace. A cut is resumed. Throws the error that the client gets.
 */
export async function* directBody(request: DirectRequest): AsyncGenerator<Buffer, void, undefined> {
  const { range } = request;
  let offset = range.start;
  let fruitless = 0;
  let response = request.response;
  while (offset < range.end) {
    const before = offset;
    try {
      response ??= await ask(request, offset);
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const wanted = Math.min(chunk.length, range.end - offset);
        offset += wanted;
        yield wanted === chunk.length ? chunk : chunk.subarray(0, wanted);
        if (offset >= range.end) break;
      }
      if (range.end === BODY_END) return;
      if (offset < range.end)
        throw new LarderError('UPSTREAM_UNREACHABLE', `the upstream ended ${request.digest} early`);
    } catch (error) {
      fruitless = offset > before ? 0 : fruitless + 1;
      if (
        request.signal.aborted ||
        !isLarderError(error) ||
        !error.retryable ||
        fruitless >= FRUITLESS_ATTEMPTS
      )
        throw error;
    } finally {
      response?.body.destroy();
      response = undefined;
    }
  }
}

/** Opens a blob that bypasses the store. Returns its size and the open answer. Throws the upstream's refusal. */
export async function openDirect(
  target: Target,
  digest: Digest,
  signal: AbortSignal,
): Promise<{ size: number | undefined; response: UpstreamResponse }> {
  const response = await requestBlob(target, digest, {
    method: 'GET',
    kind: 'blob',
    signal,
  });
  if (response.status !== 200) {
    response.body.destroy();
    throw toRefusal(response, 'blob', contentName(target, digest));
  }
  return { size: response.contentLength, response };
}

async function ask(request: DirectRequest, offset: number): Promise<UpstreamResponse> {
  const { target, digest, kind, signal } = request;
  const { end } = request.range;
  const response = await requestBlob(target, digest, {
    method: 'GET',
    kind,
    signal,
    range: { start: offset, ...(end !== BODY_END && { end }) },
  });
  const range = parseContentRange(response.headers['content-range']);
  if (response.status === 206 && range?.start === offset) return response;
  if (response.status === 200 && offset === 0) return response;
  response.body.destroy();
  if (response.status === 200 || response.status === 206) {
    throw new LarderError('UPSTREAM_BAD_ANSWER', `the upstream does not give ranges of ${digest}`);
  }
  throw toRefusal(response, 'blob', contentName(target, digest));
}
