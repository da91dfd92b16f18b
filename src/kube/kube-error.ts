import { isLarderError, LarderError } from '../kit/errors.ts';

/** `details` of a Status object, as far as known. */
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
  /** Undefined: no usable answer from the server. */
  readonly httpStatus: number | undefined;
  readonly reason: string;
  readonly details?: StatusDetails | undefined;
  readonly serverMessage?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Failed call to the API server: `KUBE_API` if the server refused, `KUBE_UNREACHABLE` without a usable answer. `httpStatus` is the server's
 * status; `status` is, as for every {@link LarderError}, the one for registry clients.
 */
export class KubeError extends LarderError {
  readonly httpStatus: number | undefined;
  /** The server's own reason (`NotFound`, `Conflict`, ...), or `Unreachable`, `Timeout`, `Silent`, `Overdue`, `BadAnswer`. */
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** The server's own message. Undefined without an answer, and for a write of a Secret, whose content it may quote. */
  readonly serverMessage: string | undefined;

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
    this.serverMessage = options.serverMessage;
  }
}

export function isKubeError(error: unknown): error is KubeError {
  return isLarderError(error) && error instanceof KubeError;
}

/** True if the object or its kind does not exist. */
export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);

export const isAlreadyExists = (error: unknown): boolean => hasStatus(error, 409, 'AlreadyExists');

/** True if the object has changed meanwhile, or another manager owns a field of an apply. */
export const isConflict = (error: unknown): boolean => hasStatus(error, 409) && !isAlreadyExists(error);

/** True if the version or the page is too old for the server. */
export const isExpired = (error: unknown): boolean => hasStatus(error, 410);

export const isForbidden = (error: unknown): boolean => hasStatus(error, 403);

/** True if the object breaks a rule; `details.causes` names the fields. */
export const isInvalid = (error: unknown): boolean => hasStatus(error, 422);

function hasStatus(error: unknown, status: number, reason?: string): boolean {
  return isKubeError(error) && error.httpStatus === status && error.reason === (reason ?? error.reason);
}
