import { z } from 'zod';

const CLAIMS = z.object({ exp: z.number().positive() });

/**
 * Expiry of the JWT in an `Authorization` header, in milliseconds since the epoch, from its `exp` (RFC 7519, section 4.1.4).
 * Undefined for anything else. Tokens are opaque to clients (distribution, token.md), so the expiry may only shorten a
 * proof.
 */
export function tokenExpiry(authorization: string): number | undefined {
  const payload = /^bearer +[\w-]+\.([\w-]+)\.[\w-]*$/i.exec(authorization)?.[1];
  if (payload === undefined) return undefined;
  try {
    const claims = CLAIMS.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    return claims.success ? claims.data.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
