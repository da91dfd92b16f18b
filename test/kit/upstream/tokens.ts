/** The tokens a token server issued: opaque strings, each with its user, service, scopes and end. */
import { noteSecret } from '../secrets.ts';

export interface Token {
  readonly value: string;
  /** `anonymous` when issued without a credential. */
  readonly user: string;
  readonly service: string;
  readonly scopes: ReadonlySet<string>;
  /** Milliseconds on the upstream's clock. */
  readonly expiresAt: number;
}

export interface Tokens {
  /** Every token issued since the start or the last reset, the oldest first. */
  readonly issued: readonly Token[];
  issue(token: Omit<Token, 'value'>): Token;
  /** The token with this value, if it is neither expired nor revoked. */
  valid(value: string): Token | undefined;
  /** Ends all tokens, or those of one user, at once. */
  revoke(user?: string): void;
  /** Forgets the list of issued tokens; they stay valid. */
  reset(): void;
}

/** No tokens yet. `now` gives milliseconds. */
export function createTokens(now: () => number): Tokens {
  const living = new Map<string, Token>();
  const issued: Token[] = [];
  let count = 0;
  return {
    issued,
    issue(parts) {
      count += 1;
      noteSecret(TOKEN_FORM, 'token of a user');
      const token = { ...parts, value: `token-${count}-of-${parts.user}` };
      living.set(token.value, token);
      issued.push(token);
      return token;
    },
    valid(value) {
      const token = living.get(value);
      return token && token.expiresAt > now() ? token : undefined;
    },
    revoke(user) {
      for (const token of living.values()) {
        if (user === undefined || token.user === user) living.delete(token.value);
      }
    },
    reset() {
      issued.length = 0;
    },
  };
}

/** The form of all tokens, refresh tokens included. Noted as a form, because a long test issues thousands of tokens. */
const TOKEN_FORM = /token-\d+-of-|refresh-token-of-/;
