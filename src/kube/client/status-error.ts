import { z } from 'zod';
import { parseRetryAfter } from '../../kit/retry-after.ts';
import { KubeError, type StatusCause } from '../kube-error.ts';

const TEXT = z.string().optional().catch(undefined);

/** `meta/v1.Status`. */
const STATUS = z.object({
  kind: z.literal('Status'),
  message: TEXT,
  reason: TEXT,
  code: z.number().int().optional().catch(undefined),
  details: z
    .object({
      name: TEXT,
      kind: TEXT,
      retryAfterSeconds: z.number().nonnegative().optional().catch(undefined),
      causes: z
        .array(z.object({ reason: TEXT, message: TEXT, field: TEXT }))
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

export interface Refusal {
  /** Name of the call, for the message. */
  readonly what: string;
  /** True for writes of Secrets: the server's message may quote their content, which must not be repeated. */
  readonly isSecret: boolean;
  /** HTTP status. Undefined for an event of a watch, whose Status has it. */
  readonly httpStatus?: number;
  /** The `Retry-After` header, and the current time to count from. */
  readonly retryAfter?: string | undefined;
  readonly nowMs: number;
}

/** Error for a Status object, or for an answer with another body, as proxies give. */
export function statusError(body: unknown, refusal: Refusal): KubeError {
  const status = STATUS.safeParse(body).data;
  const httpStatus = refusal.httpStatus ?? status?.code ?? 500;
  const reason = status?.reason ?? (STANDARD_REASONS[httpStatus] || 'Unknown');
  const { causes, retryAfterSeconds, name, kind } = status?.details ?? {};
  const words = refusal.isSecret ? undefined : status?.message;
  return new KubeError(`${refusal.what}: ${words ?? 'refused by the API server'} (${httpStatus} ${reason})`, {
    httpStatus,
    reason,
    details: status?.details && {
      name,
      kind,
      causes: refusal.isSecret ? causes?.map(withoutMessage) : causes,
    },
    serverMessage: words,
    retryAfterSeconds: parseRetryAfter(refusal.retryAfter, refusal.nowMs) ?? retryAfterSeconds,
  });
}

/** Reasons for answers without a Status (apimachinery, `errors.NewGenericServerResponse`). */
const STANDARD_REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function withoutMessage({ reason, field }: StatusCause): StatusCause {
  return { reason, field };
}
