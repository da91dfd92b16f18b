import { Readable } from 'node:stream';
import { parseChallenges } from '../oci/challenge.ts';
import { parseContentRange } from '../oci/range.ts';
import { discard, type UpstreamExchange } from './http/exchange.ts';
import type { RoutedAnswer, RoutedRequest, UpstreamRoute } from './route.ts';

/** The range of the smallest GET whose answer has the size. */
const FIRST_BYTE = 'bytes=0-0';

/** Repeats a HEAD that was refused as a GET of the first byte, and answers with what the HEAD would have had. */
export function withHeadRepair(next: UpstreamRoute): UpstreamRoute {
  return async (request) => {
    const reached = await next(request);
    if (request.method !== 'HEAD' || !isHeadRefused(request, reached)) return reached;
    discard(reached.answer);
    const headers = { ...request.headers, range: FIRST_BYTE };
    const repaired = await next({ ...request, method: 'GET', headers });
    return { ...repaired, answer: headOf(repaired.answer) };
  };
}

/**
 * True for a refusal of HEAD that a GET may not meet: signed addresses are good for one method (GHCR: 403), and ECR Public answers 401
 * to HEAD of any blob (containers-roadmap#2671). Any other registry sees a caller's refused header once, because two refusals for one
 * request would lock accounts, and their duration would distinguish callers.
 */
function isHeadRefused({ kind, requester }: RoutedRequest, reached: RoutedAnswer): boolean {
  const { status } = reached.answer;
  if (reached.from === 'storage') return status === 403 || status === 405;
  if (kind !== 'blob') return false;
  if (status !== 401) return status === 405;
  return (
    requester.kind === 'own' || (requester.authorization !== undefined && isEcrPublic(reached.challenges))
  );
}

/** ECR Public has one scope for everything, which no other registry has. */
function isEcrPublic(challenges: readonly string[]): boolean {
  return parseChallenges(challenges).some(({ parameters }) => parameters.get('scope') === 'aws');
}

/** The answer to a HEAD, made of the answer to a GET of the first byte. Discards the body. */
function headOf(answer: UpstreamExchange): UpstreamExchange {
  discard(answer);
  const headers: Record<string, string> = { ...answer.headers };
  const range = headers['content-range'];
  delete headers['content-range'];
  const size = sizeOf(answer, range);
  const isPart = answer.status === 206 || (answer.status === 416 && size !== undefined);
  delete headers['content-length'];
  if (size !== undefined) headers['content-length'] = String(size);
  return {
    status: isPart ? 200 : answer.status,
    headers,
    challenges: answer.challenges,
    contentLength: size,
    body: Readable.from([]),
  };
}

function sizeOf({ status, contentLength }: UpstreamExchange, range: string | undefined): number | undefined {
  if (status === 200) return contentLength;
  if (status === 206) return parseContentRange(range)?.size;
  // Empty content has no first byte (RFC 9110, section 15.5.17).
  return status === 416 && range === 'bytes */0' ? 0 : undefined;
}
