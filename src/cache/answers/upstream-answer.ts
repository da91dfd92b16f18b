import { LarderError, type ErrorCode } from '../../kit/errors.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';

/** An upstream's refusal on its way to the caller: the challenge goes along with a 401. */
export class UpstreamRefusal extends LarderError {
  readonly challenges: readonly string[];

  constructor(code: ErrorCode, message: string, challenges: readonly string[], upstreamStatus: number) {
    super(code, message, { detail: { upstreamStatus } });
    this.challenges = challenges;
  }
}

/**
 * What a client is told when an upstream answered `what` (a manifest, blob or list named `reference`) with anything but
 * success. 401, 403 and 404 are relayed; other 4xx of the registry mean that the two disagree, hence 502.
 */
export function answerError(
  response: Pick<UpstreamResponse, 'status' | 'challenges'>,
  what: 'manifest' | 'blob' | 'list',
  reference: string,
): LarderError {
  const { status, challenges } = response;
  switch (status) {
    case 401:
      return new UpstreamRefusal('UPSTREAM_UNAUTHORIZED', `the upstream asks for a login for ${reference}`, challenges, status);
    case 403:
      return new UpstreamRefusal('UPSTREAM_DENIED', `the upstream denies access to ${reference}`, challenges, status);
    case 404:
    case 410: {
      const code = what === 'blob' ? 'BLOB_UNKNOWN' : what === 'manifest' ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN';
      return new LarderError(code, `the upstream does not have ${reference}`, { detail: { upstreamStatus: status } });
    }
    default:
      return new LarderError('UPSTREAM_BAD_ANSWER', `the upstream answered ${reference} with status ${status}`, {
        detail: { upstreamStatus: status },
      });
  }
}
