import { createRecentMap } from '../../kit/recent-map.ts';
import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { redactUrl } from '../../kit/redact.ts';
import { SingleFlight } from '../../kit/single-flight.ts';
import type { Token, TokenRefusal, TokenRequest } from './token-request.ts';

/** A token for one request. */
export interface IssuedToken {
  readonly value: string;
  /** True for a token that was issued while this request waited: its refusal is final. */
  readonly fresh: boolean;
}

/** The tokens of one upstream: one per realm, service, scope and credential, shared until just before its end. */
export interface Tokens {
  /**
   * Gives a token for the request, and fetches one if none is remembered. Drops the token `refused`, which the registry has refused.
   * Undefined if the token server refuses an anonymous token.
   * @throws `UPSTREAM_CREDENTIAL_REFUSED`, and as `fetch` does.
   */
  get(request: TokenRequest, signal: AbortSignal, refused?: string): Promise<IssuedToken | undefined>;
}

/** One per repository that is being pulled, with room. With tokens of 4 KiB this is 4 MiB. */
const REMEMBERED = 1000;
/** A refused login is not repeated for this long, because token servers lock accounts. */
export const REFUSAL_MS = 5_000;

/** Remembers the tokens that `fetch` gives. Requests that wait for the same token share one call. */
export function createTokens(
  fetch: (request: TokenRequest) => Promise<Token | TokenRefusal>,
  clock: Clock,
): Tokens {
  const tokens = createRecentMap<string, Token>(REMEMBERED);
  const refusals = createRecentMap<string, { error: Error; until: number }>(REMEMBERED);
  const flights = new SingleFlight<string, Token | undefined>();

  async function issue(key: string, request: TokenRequest): Promise<Token | undefined> {
    const refusal = refusals.get(key);
    if (refusal !== undefined && refusal.until > clock.monotonic()) throw refusal.error;
    const answer = await fetch(request);
    if ('value' in answer) {
      tokens.set(key, answer);
      return answer;
    }
    if (request.credential === undefined) return undefined;
    const error = refusalOf(request, answer);
    if (error.code === 'UPSTREAM_CREDENTIAL_REFUSED')
      refusals.set(key, { error, until: clock.monotonic() + REFUSAL_MS });
    throw error;
  }

  return {
    async get(request, signal, refused) {
      const key = tokenKey(request);
      const known = tokens.get(key);
      if (known !== undefined && known.value !== refused && known.usableUntil > clock.monotonic()) {
        return { value: known.value, fresh: false };
      }
      const token = await untilAborted(
        flights.do(key, () => issue(key, request)),
        signal,
      );
      return token && { value: token.value, fresh: true };
    },
  };
}

/** The key of a token: requests with equal keys share one. */
export function tokenKey({ realm, service, scope, credential }: TokenRequest): string {
  return JSON.stringify([realm, service, scope, credential?.credentialId]);
}

/** Only 401 and 403 mean a bad credential. Any other 4xx may be a mistake on the way. */
function refusalOf({ realm }: TokenRequest, { refusedWith }: TokenRefusal): LarderError {
  const answered = `the token server ${redactUrl(realm)} answered ${refusedWith}`;
  if (refusedWith !== 401 && refusedWith !== 403) return new LarderError('UPSTREAM_BAD_ANSWER', answered);
  return new LarderError('UPSTREAM_CREDENTIAL_REFUSED', `${answered} to the configured credential`, {
    hint: 'put a valid login into the Secret that the cache names, or give the pod an identity that may pull',
  });
}
