import type { RegistryExchange } from './exchange.ts';

/**
 * True if `If-None-Match` names this entity tag, so that a 304 is enough (RFC 9110, section 13.1.2). containerd never sends that
 * header, and could not use a 304.
 */
export function notModified(exchange: RegistryExchange, etag: string): boolean {
  const header = exchange.request.headers['if-none-match'];
  if (header === undefined) return false;
  return header.split(',').some((part) => {
    const tag = part.trim().replace(/^W\//, '');
    return tag === etag || tag === '*';
  });
}
