/**
 * The error table: one row with a stable code for every failure that Larder reports. `docs/reference/errors.md` lists the same rows, and a
 * test keeps the two in step.
 *
 * - `status` is the status of the registry listener's answer.
 * - `oci` is the code in the error body (distribution-spec v1.1.1, "Error Codes"). The specification has none for an unreachable upstream:
 *   `UNAVAILABLE` is Larder's own.
 * - `retryable` is true if the same request may succeed later without any change.
 */
export const ERROR_TABLE = {
  NAME_UNKNOWN: { status: 404, oci: 'NAME_UNKNOWN', retryable: false },
  NAME_INVALID: { status: 400, oci: 'NAME_INVALID', retryable: false },
  TAG_INVALID: { status: 400, oci: 'MANIFEST_INVALID', retryable: false },
  DIGEST_INVALID: { status: 400, oci: 'DIGEST_INVALID', retryable: false },
  MANIFEST_UNKNOWN: { status: 404, oci: 'MANIFEST_UNKNOWN', retryable: false },
  BLOB_UNKNOWN: { status: 404, oci: 'BLOB_UNKNOWN', retryable: false },
  UNSUPPORTED: { status: 405, oci: 'UNSUPPORTED', retryable: false },
  REFERRERS_UNSUPPORTED: { status: 404, oci: 'UNSUPPORTED', retryable: false },
  CATALOG_UNSUPPORTED: { status: 404, oci: 'UNSUPPORTED', retryable: false },
  RANGE_INVALID: { status: 416, oci: 'RANGE_INVALID', retryable: false },
  REQUEST_INVALID: { status: 400, oci: 'UNSUPPORTED', retryable: false },
  REQUEST_TIMEOUT: { status: 408, oci: 'UNSUPPORTED', retryable: true },
  NOT_STORED: { status: 404, oci: 'MANIFEST_UNKNOWN', retryable: false },
  ADMIN_TOKEN_REQUIRED: { status: 401, oci: 'UNAUTHORIZED', retryable: false },
  ADMIN_FORBIDDEN: { status: 403, oci: 'DENIED', retryable: false },
  MAINTENANCE_RUNNING: { status: 409, oci: 'UNAVAILABLE', retryable: true },
  MANIFEST_TOO_LARGE: { status: 502, oci: 'MANIFEST_INVALID', retryable: false },
  TOKEN_REQUIRED: { status: 401, oci: 'UNAUTHORIZED', retryable: false },
  TLS_REQUIRED: { status: 403, oci: 'DENIED', retryable: false },
  UPSTREAM_UNAUTHORIZED: { status: 401, oci: 'UNAUTHORIZED', retryable: false },
  UPSTREAM_DENIED: { status: 403, oci: 'DENIED', retryable: false },
  UPSTREAM_CREDENTIAL_REFUSED: { status: 502, oci: 'DENIED', retryable: false },
  UPSTREAM_CREDENTIAL_UNAVAILABLE: { status: 502, oci: 'UNAVAILABLE', retryable: true },
  UPSTREAM_RATE_LIMITED: { status: 429, oci: 'TOOMANYREQUESTS', retryable: true },
  UPSTREAM_UNREACHABLE: { status: 502, oci: 'UNAVAILABLE', retryable: true },
  UPSTREAM_5XX: { status: 502, oci: 'UNAVAILABLE', retryable: true },
  UPSTREAM_BAD_ANSWER: { status: 502, oci: 'UNAVAILABLE', retryable: true },
  UPSTREAM_FORBIDDEN_ADDRESS: { status: 502, oci: 'DENIED', retryable: false },
  UPSTREAM_DIGEST_MISMATCH: { status: 502, oci: 'DIGEST_INVALID', retryable: true },
  UPSTREAM_TIMEOUT: { status: 504, oci: 'UNAVAILABLE', retryable: true },
  UPSTREAM_BREAKER_OPEN: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  OVERLOADED: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  CACHE_UNAVAILABLE: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  STORE_UNAVAILABLE: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  STORE_DAMAGED: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  STORE_FULL: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  STORE_IN_USE: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  STORE_UNUSABLE: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  STORE_ADOPTION_AMBIGUOUS: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  STORE_HANDED_BACK: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  STORE_HAND_BACK_AMBIGUOUS: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  CONFIG_INVALID: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  ADDRESS_IN_USE: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  ADMIN_TOKEN_INVALID: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  ADMIN_UNREACHABLE: { status: 502, oci: 'UNAVAILABLE', retryable: true },
  TLS_FILES_INVALID: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  KUBE_API: { status: 502, oci: 'UNAVAILABLE', retryable: false },
  KUBE_UNREACHABLE: { status: 502, oci: 'UNAVAILABLE', retryable: true },
  KUBE_CONNECTION_INVALID: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  USAGE: { status: 500, oci: 'UNAVAILABLE', retryable: false },
  CLIENT_GONE: { status: 499, oci: 'UNAVAILABLE', retryable: true },
  SHUTTING_DOWN: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  RECONCILE_TIMEOUT: { status: 504, oci: 'UNAVAILABLE', retryable: true },
  ADMISSION_TIMEOUT: { status: 504, oci: 'UNAVAILABLE', retryable: true },
  LEADERSHIP_LOST: { status: 503, oci: 'UNAVAILABLE', retryable: true },
  INTERNAL: { status: 500, oci: 'UNAVAILABLE', retryable: true },
} as const satisfies Record<string, { status: number; oci: string; retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export interface LarderErrorOptions {
  /** Advice for the reader, shown after the message. */
  hint?: string;
  cause?: unknown;
  /** Seconds after which a retry makes sense. Becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** Machine-readable value of the answer's field `detail`. Never a secret, never a signed URL. */
  detail?: unknown;
}

/**
 * A failure with a row in {@link ERROR_TABLE}. The message names the thing, what was expected and what was found. It is safe for any
 * caller: no secrets, no query strings of upstream URLs.
 */
export class LarderError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly detail: unknown;

  constructor(code: ErrorCode, message: string, options: LarderErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LarderError';
    this.code = code;
    this.hint = options.hint;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.detail = options.detail;
  }

  get status(): number {
    return ERROR_TABLE[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable;
  }
}

/** True if `error` is a {@link LarderError}, and has `code` if that is given. */
export function isLarderError(error: unknown, code?: ErrorCode): error is LarderError {
  return error instanceof LarderError && (code === undefined || error.code === code);
}

/** The text of anything thrown, without a stack trace, for log fields and for wrapping foreign errors. */
export function errorText(error: unknown): string {
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code !== undefined && !error.message.includes(code) ? `${error.message} (${code})` : error.message;
  }
  return String(error);
}
