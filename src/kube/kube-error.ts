import { isLarderError, LarderError } from '../kit/errors.ts';

/** The `details` of a Status object, as far as they are known. */
export interface StatusDetails {
  readonly name?: string | undefined;
  readonly kind?: string | undefined;
  readonly causes?: readonly StatusCause[] | undefined;
}

export interface StatusCause {
  /** `FieldManagerConflict`, `FieldValueInvalid`, `ResourceVersionTooLarge`, ... */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly field?: string | undefined;
}

export interface KubeErrorOptions {
  /** Undefined: the server gave no answer that counts. */
  readonly httpStatus: number | undefined;
  readonly reason: string;
  readonly details?: StatusDetails | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A call to the API server that failed: `KUBE_API` when the server refused it, `KUBE_UNREACHABLE` when there was no usable answer. The
 * status that the server gave is `httpStatus`; `status` is, as for every {@link LarderError}, what a registry client would be told.
 */
export class KubeError extends LarderError {
  readonly httpStatus: number | undefined;
  /** As the server names it (`NotFound`, `Conflict`, ...), or `Unreachable`, `Timeout`, `Silent`, `Overdue`, `BadAnswer`. */
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(message: string, options: KubeErrorOptions) {
    const { httpStatus, retryAfterSeconds, cause } = options;
    super(httpStatus === undefined ? 'KUBE_UNREACHABLE' : 'KUBE_API', message, {
      ...(cause !== undefined && { cause }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
    this.name = 'KubeError';
    this.httpStatus = httpStatus;
    this.reason = options.reason;
    this.details = options.details;
  }
}

export function isKubeError(error: unknown): error is KubeError {
  return isLarderError(error) && error instanceof KubeError;
}

/** There is no such object, or no such kind. */
export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);

export const isAlreadyExists = (error: unknown): boolean => hasStatus(error, 409, 'AlreadyExists');

/** The object has changed meanwhile, or somebody else owns a field that was to be applied. */
export const isConflict = (error: unknown): boolean => hasStatus(error, 409) && !isAlreadyExists(error);

/** The version, or the page, is too old for the server to know. */
export const isExpired = (error: unknown): boolean => hasStatus(error, 410);

export const isForbidden = (error: unknown): boolean => hasStatus(error, 403);

/** The object breaks a rule; `details.causes` names the fields. */
export const isInvalid = (error: unknown): boolean => hasStatus(error, 422);

function hasStatus(error: unknown, status: number, reason?: string): boolean {
  return isKubeError(error) && error.httpStatus === status && error.reason === (reason ?? error.reason);
}
