import { Readable } from 'node:stream';
import { parseChallenges } from '../oci/challenge.ts';
import { parseContentRange } from '../oci/range.ts';
import { discard, type UpstreamExchange } from './http/exchange.ts';
import type { RoutedAnswer } from './route.ts';
import type { UpstreamRequest } from './types.ts';

/** The range of the smallest GET that tells a size. */
export const FIRST_BYTE = { start: 0, end: 1 } as const;

/**
 * What a HEAD would have been answered, from the answer to a GET of the first byte: for storage whose signed addresses are good
 * for GET only (GHCR: 403), and for registries that refuse HEAD (ECR Public: 401). The body is let go.
 */
export function headOf(answer: UpstreamExchange): UpstreamExchange {
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

/**
 * True when a HEAD was refused that a GET may not be: signed addresses are good for one method (GHCR), and ECR Public answers
 * 401 to HEAD of any blob (containers-roadmap#2671). Any other registry sees a caller's refused header once: two refusals
 * for one request would lock accounts, and the time they take would tell callers apart.
 */
export function isHeadRefused({ kind, credential }: UpstreamRequest, reached: RoutedAnswer): boolean {
  const { status } = reached.answer;
  if (reached.from === 'storage') return status === 403 || status === 405;
  if (kind !== 'blob') return false;
  if (status !== 401) return status === 405;
  return credential.kind === 'own' || (credential.kind === 'caller' && isEcrPublic(reached.challenges));
}

/** It has one scope for everything, which no other registry has. */
function isEcrPublic(challenges: readonly string[]): boolean {
  return parseChallenges(challenges).some(({ parameters }) => parameters.get('scope') === 'aws');
}

function sizeOf({ status, contentLength }: UpstreamExchange, range: string | undefined): number | undefined {
  if (status === 200) return contentLength;
  if (status === 206) return parseContentRange(range)?.size;
  // There is no first byte in empty content (RFC 9110, section 15.5.17).
  return status === 416 && range === 'bytes */0' ? 0 : undefined;
}
