import type { Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import { parseRetryAfter } from '../kit/retry-after.ts';
import type { RateLimits } from './auth/rate-limits.ts';
import { discard } from './http/exchange.ts';
import type { RoutedAnswer, RoutedRequest, UpstreamRoute, UpstreamRequester } from './route.ts';

/** The place where the 429s of a requester count. */
export interface RateLimitPlace {
  readonly rateLimits: RateLimits;
  readonly credentialId: string;
}

/** Remembers a 429, and sends nothing for the same credential while it lasts. Throws `UPSTREAM_RATE_LIMITED` in both cases. */
export function withRateLimits(
  next: UpstreamRoute,
  placeOf: (requester: UpstreamRequester) => RateLimitPlace,
): UpstreamRoute {
  return async (request) => {
    const { rateLimits, credentialId } = placeOf(request.requester);
    rateLimits.check(credentialId);
    const reached = await next(request);
    const { status, headers } = reached.answer;
    if (status !== 429) return reached;
    discard(reached.answer);
    throw rateLimits.record(credentialId, headers['retry-after']);
  };
}

/** Throws the error that an answer means, for each answer that is none for a client. `name` is the upstream's, for messages. */
export function withFailures(next: UpstreamRoute, name: string, clock: Clock): UpstreamRoute {
  return async (request) => {
    const reached = await next(request);
    const failure = failureOf(request, reached, name, clock);
    if (failure === undefined) return reached;
    discard(reached.answer);
    throw failure;
  };
}

function failureOf(
  { requester }: RoutedRequest,
  { answer, from, credentialSent }: RoutedAnswer,
  name: string,
  clock: Clock,
): LarderError | undefined {
  const { status, headers } = answer;
  if (status >= 500) {
    const retryAfterSeconds = parseRetryAfter(headers['retry-after'], clock.now());
    return new LarderError(
      'UPSTREAM_5XX',
      `${name} answered ${status}`,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
  if (from === 'storage' && (status === 400 || status === 401 || status === 403)) {
    return new LarderError(
      'UPSTREAM_BAD_ANSWER',
      `the storage that ${name} points to answered ${status} to its signed address`,
    );
  }
  if (from === 'other registry' && status === 401 && requester.kind === 'caller') {
    return new LarderError(
      'UPSTREAM_BAD_ANSWER',
      `the registry that ${name} points to wants a login, and only ${name} may see the caller's`,
    );
  }
  if (requester.kind === 'own' && credentialSent && (status === 401 || status === 403)) {
    return new LarderError(
      'UPSTREAM_CREDENTIAL_REFUSED',
      `${name} answered ${status} to the configured credential`,
      {
        hint: 'check that the login in the Secret, or the identity of the pod, may pull this repository',
      },
    );
  }
  return undefined;
}
