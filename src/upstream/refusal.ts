import { LarderError, type ERROR_TABLE, type ErrorCode } from '../kit/errors.ts';
import type { UpstreamResponse } from './types.ts';

type UpstreamCode = Extract<ErrorCode, `UPSTREAM_${string}`>;

/** Codes of failures at the upstream that may pass: with one of them an older answer may be given. */
export type UpstreamFailureCode = {
  [Code in UpstreamCode]: (typeof ERROR_TABLE)[Code]['retryable'] extends true ? Code : never;
}[UpstreamCode];

/** Codes that {@link UpstreamRefusal} has. */
export type RefusalCode =
  | 'UPSTREAM_UNAUTHORIZED'
  | 'UPSTREAM_DENIED'
  | 'UPSTREAM_BAD_ANSWER'
  | 'BLOB_UNKNOWN'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_UNKNOWN'
  | 'REFERRERS_UNSUPPORTED';

/** An upstream's refusal, relayed to the caller. A 401 carries the upstream's challenges. */
export class UpstreamRefusal extends LarderError {
  declare readonly code: RefusalCode;
  readonly upstreamStatus: number;
  readonly challenges: readonly string[];

  constructor(
    code: RefusalCode,
    message: string,
    upstreamStatus: number,
    challenges: readonly string[] = [],
  ) {
    super(code, message, { detail: { upstreamStatus } });
    this.upstreamStatus = upstreamStatus;
    this.challenges = challenges;
  }
}

/**
 * Makes the error for an upstream's answer without success to a request for `what`; `name` is its full name in messages. 401, 403
 * and 404 (410) are relayed. Any other status means that Larder and the registry disagree, and becomes a 502.
 */
export function toRefusal(
  response: Pick<UpstreamResponse, 'status' | 'challenges'>,
  what: 'manifest' | 'blob' | 'list',
  name: string,
): UpstreamRefusal {
  const { status, challenges } = response;
  switch (status) {
    case 401:
      return new UpstreamRefusal(
        'UPSTREAM_UNAUTHORIZED',
        `the upstream asks for a login for ${name}`,
        status,
        challenges,
      );
    case 403:
      return new UpstreamRefusal('UPSTREAM_DENIED', `the upstream refuses ${name} to this caller`, status);
    case 404:
    case 410:
      return new UpstreamRefusal(UNKNOWN[what], `the upstream does not have ${name}`, status);
    default:
      return new UpstreamRefusal(
        'UPSTREAM_BAD_ANSWER',
        `the upstream answered the request for ${name} with status ${status}`,
        status,
      );
  }
}

const UNKNOWN = { blob: 'BLOB_UNKNOWN', manifest: 'MANIFEST_UNKNOWN', list: 'NAME_UNKNOWN' } as const;

/** True for network errors, time-outs, 5xx, 429 and wrong answers. The upstream's decisions (401, 403, 404) never excuse an older answer. */
export function excusesStaleness(
  error: LarderError,
): error is LarderError & { readonly code: UpstreamFailureCode } {
  return error.code.startsWith('UPSTREAM_') && error.retryable;
}
