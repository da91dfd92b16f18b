import { hash } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { JOSEError } from 'jose/errors';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { KeyRing } from './key-ring.ts';
import { TOKEN_CONTENTS, type TokenContents } from './token-contents.ts';

/** Makes tokens that nobody but those with the keys can read or make. */
export interface TokenSeal {
  seal(contents: TokenContents, lifeMs: number): Promise<SealedToken>;
  /** Undefined for what is expired, damaged, or was not sealed with one of our keys. */
  open(token: string): Promise<TokenContents | undefined>;
}

export interface SealedToken {
  readonly token: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresInSeconds: number;
}

/** Opened tokens are remembered up to so many characters of them: some 3000 with large tokens of an upstream in each. */
const REMEMBERED_LENGTH = 16 * 1024 * 1024;

/**
 * A JWE with direct encryption has no encrypted key between its first two dots (RFC 7516, section 7.1; RFC 7518, section 4.5). Tokens
 * of upstreams pass here with every request, and to have each refused by the library would take twice the time of the whole answer.
 */
const DIRECT_JWE = /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Tokens as JWE (RFC 7516) with direct encryption, AES-256-GCM. An opened one is remembered by its hash until it expires, so that
 * the many requests of a pull decrypt it once.
 */
export function createTokenSeal(keys: KeyRing, clock: Clock): TokenSeal {
  const opened = new LRUCache<string, OpenedToken>({ maxSize: REMEMBERED_LENGTH });

  async function decrypt(token: string): Promise<OpenedToken | undefined> {
    try {
      const { payload } = await jwtDecrypt(token, async ({ kid }) => (await findKey(kid)).secret, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        requiredClaims: ['exp'],
        currentDate: new Date(clock.now()),
      });
      const contents = TOKEN_CONTENTS.safeParse(payload).data;
      return contents && { contents, expiresAt: (payload.exp as number) * 1000 };
    } catch (error) {
      if (error instanceof JOSEError || error instanceof UnknownKey) return undefined;
      throw error;
    }
  }

  async function findKey(id: string | undefined) {
    const key = id === undefined ? undefined : await keys.find(id);
    if (key === undefined) throw new UnknownKey();
    return key;
  }

  return {
    async seal(contents, lifeMs) {
      const { id, secret } = await keys.current();
      const issuedAt = Math.floor(clock.now() / 1000);
      const expiresInSeconds = Math.max(1, Math.floor(lifeMs / 1000));
      const token = await new EncryptJWT({ ...contents })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: id })
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresInSeconds)
        .encrypt(secret);
      return { token, issuedAt, expiresInSeconds };
    },

    async open(token) {
      if (!DIRECT_JWE.test(token)) return undefined;
      const digest = hash('sha256', token, 'base64');
      let found = opened.get(digest);
      if (found === undefined) {
        found = await decrypt(token);
        if (found === undefined) return undefined;
        opened.set(digest, found, { size: token.length });
      }
      return found.expiresAt > clock.now() ? found.contents : undefined;
    },
  };
}

interface OpenedToken {
  readonly contents: TokenContents;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

class UnknownKey extends Error {}
