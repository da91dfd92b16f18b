/**
 * The `Cache-Status` of an answer (RFC 9211), by what happened:
 * `hit` from the store (`detail`: although the upstream could not be asked for permission); `proven` from the store, after the
 * upstream was asked whether this caller may have it; `miss` fetched for this request; `revalidated` the upstream was asked and confirmed or replaced a
 * tag; `stale` served although the upstream failed; `bypass` passed through; `error` an answer of Larder itself.
 */
export type CacheStatus =
  | { kind: 'hit'; ttlSeconds?: number | undefined; detail?: string }
  | { kind: 'proven'; status: number }
  | { kind: 'miss'; stored?: boolean; collapsed?: boolean; status?: number; detail?: string }
  | { kind: 'revalidated'; status: number; stored?: boolean; collapsed?: boolean }
  | { kind: 'stale'; ttlSeconds: number; detail: string }
  | { kind: 'bypass'; detail: string; status?: number }
  | { kind: 'error'; detail: string };

/** Renders the header value. `detail` is a token of our own making, never text from outside. */
export function formatCacheStatus(status: CacheStatus): string {
  switch (status.kind) {
    case 'hit':
      return parts(
        status.ttlSeconds === undefined ? 'hit' : `hit; ttl=${Math.round(status.ttlSeconds)}`,
        status,
      );
    case 'proven':
      // RFC 9211, section 2.2: what is stored could have been used, but for the request's own semantics.
      return parts('fwd=request', status);
    case 'miss':
      return parts('fwd=uri-miss', status);
    case 'revalidated':
      return parts('fwd=stale', status);
    case 'stale':
      // Overdue by less than a second is overdue all the same (RFC 9211, section 2.4: stale means a negative ttl).
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
