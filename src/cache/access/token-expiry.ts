import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';

const CLAIMS = z.object({ exp: z.number().positive() });

/**
 * Expiry of the JWT in an `Authorization` header, in milliseconds since the epoch, from its `exp` (RFC 7519, section 4.1.4).
 * Undefined for anything else. Tokens are opaque to clients (distribution, token.md), so the expiry may only shorten a
 * proof.
 */
export function tokenExpiry(authorization: string): number | undefined {
  const payload = /^bearer +[\w-]+\.([\w-]+)\.[\w-]*$/i.exec(authorization)?.[1];
  if (payload === undefined) return undefined;
  const claims = CLAIMS.safeParse(parseJson(Buffer.from(payload, 'base64url').toString('utf8')));
  return claims.success ? claims.data.exp * 1000 : undefined;
}
