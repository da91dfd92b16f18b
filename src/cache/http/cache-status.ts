import type { ErrorCode } from '../../kit/errors.ts';
import type { RefusalCode, UpstreamFailureCode } from '../../upstream/refusal.ts';

/**
 * The `Cache-Status` of an answer (RFC 9211), by where it came from. `detail` is always a word of Larder's own.
 *
 * - `hit`: from the store. With `detail`, the access check could not ask the upstream for that reason.
 * - `proven`: from the store, after the upstream has served this caller.
 * - `miss`: fetched for this request, or refused by the upstream. `NOT_STORED`: the store could not keep the content.
 * - `revalidated`: the upstream confirmed or replaced a tag.
 * - `stale`: from the store although the answer is overdue, because the upstream failed.
 * - `bypass`: passed through. `STORE_FULL`: no room in the store. `SCHEMA1`: a Docker schema 1 manifest, which cannot be verified.
 *   `TOKEN`: an answer of the token endpoint.
 * - `error`: an answer of Larder itself.
 */
export type CacheStatus =
  | { kind: 'hit'; ttlSeconds?: number | undefined; detail?: UpstreamFailureCode }
  | { kind: 'proven'; status: number }
  | {
      kind: 'miss';
      stored?: boolean;
      collapsed?: boolean;
      status?: number;
      detail?: RefusalCode | 'NOT_STORED';
    }
  | { kind: 'revalidated'; status: number; stored?: boolean; collapsed?: boolean }
  | { kind: 'stale'; ttlSeconds: number; detail: UpstreamFailureCode }
  | { kind: 'bypass'; detail: 'STORE_FULL' | 'STORE_HANDED_BACK' | 'SCHEMA1' | 'TOKEN'; status?: number }
  | { kind: 'error'; detail: ErrorCode };

/** Renders the value of the header. */
export function formatCacheStatus(status: CacheStatus): string {
  switch (status.kind) {
    case 'hit':
      return parts(
        status.ttlSeconds === undefined ? 'hit' : `hit; ttl=${Math.round(status.ttlSeconds)}`,
        status,
      );
    case 'proven':
      // RFC 9211, section 2.2: the stored answer could have been used, except for semantics of the request itself.
      return parts('fwd=request', status);
    case 'miss':
      return parts('fwd=uri-miss', status);
    case 'revalidated':
      return parts('fwd=stale', status);
    case 'stale':
      // An answer that is overdue by less than a second is stale too, and stale means a negative ttl (RFC 9211, section 2.4).
      return `larder; fwd=stale; ttl=${Math.min(-1, Math.round(status.ttlSeconds))}; detail=${status.detail}`;
    case 'bypass':
      return parts('fwd=bypass', status);
    case 'error':
      return `larder; detail=${status.detail}`;
  }
}

function parts(
  handling: string,
  extra: { status?: number; stored?: boolean; collapsed?: boolean; detail?: string },
): string {
  let text = `larder; ${handling}`;
  if (extra.status !== undefined) text += `; fwd-status=${extra.status}`;
  if (extra.stored === true) text += '; stored';
  if (extra.collapsed === true) text += '; collapsed';
  if (extra.detail !== undefined) text += `; detail=${extra.detail}`;
  return text;
}
