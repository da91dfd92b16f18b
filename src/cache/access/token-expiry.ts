import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';

const CLAIMS = z.object({ exp: z.number().positive() });

/**
 * When the token in an `Authorization` header ends, in milliseconds since the epoch, where it is a JWT that says so (RFC 7519,
 * section 4.1.4); undefined for everything else. Tokens are opaque to clients (distribution, token.md): this is good for
 * shortening what their acceptance proves, and for nothing more.
 */
export function tokenExpiry(authorization: string): number | undefined {
  const payload = /^bearer +[\w-]+\.([\w-]+)\.[\w-]*$/i.exec(authorization)?.[1];
  if (payload === undefined) return undefined;
  const claims = CLAIMS.safeParse(parseJson(Buffer.from(payload, 'base64url').toString('utf8')));
  return claims.success ? claims.data.exp * 1000 : undefined;
}
