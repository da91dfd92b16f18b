import { hash } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { JOSEError } from 'jose/errors';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { KeyRing } from './key-ring.ts';
import { TOKEN_CONTENTS, type TokenContents } from './token-contents.ts';

/** Makes tokens that only the owners of the keys can read or make. */
export interface TokenSeal {
  seal(contents: TokenContents, lifeMs: number): Promise<SealedToken>;
  /** Undefined for a token that has expired, is damaged, or was not sealed with a key of the ring. */
  open(token: string): Promise<TokenContents | undefined>;
}

export interface SealedToken {
  readonly token: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresInSeconds: number;
}

/** Total length of remembered tokens, in characters: about 3000 tokens, if each holds a large token of an upstream. */
const REMEMBERED_LENGTH = 16 * 1024 * 1024;

/**
 * Matches a JWE with direct encryption, which has no encrypted key between its first two dots (RFC 7516, section 7.1; RFC
 * 7518, section 4.5). Tokens of upstreams arrive here with every request: letting the library refuse each would take twice
 * the time of the whole answer.
 */
const DIRECT_JWE = /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Seals tokens as JWE (RFC 7516) with direct encryption, AES-256-GCM. An opened token is remembered by its hash until it
 * expires: the many requests of a pull decrypt it once.
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
