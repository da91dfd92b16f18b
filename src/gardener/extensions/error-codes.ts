import { LarderError, type ErrorCode, type LarderErrorOptions } from '../../kit/errors.ts';

/** Codes by which gardenlet and dashboards judge a failure (gardener v1.147.1, `core/v1beta1`, `ErrorCode`), as far as any is used here. */
export type GardenerErrorCode = 'ERR_CONFIGURATION_PROBLEM';

/** A failure with codes for `status.lastError.codes`. */
export class CodedError extends LarderError {
  readonly gardenerCodes: readonly GardenerErrorCode[];

  constructor(
    code: ErrorCode,
    message: string,
    options: LarderErrorOptions & { readonly gardenerCodes: readonly GardenerErrorCode[] },
  ) {
    super(code, message, options);
    this.name = 'CodedError';
    this.gardenerCodes = options.gardenerCodes;
  }
}

/** Codes of an error, of its causes, and of the errors that it collects; each once. */
export function gardenerCodesOf(error: unknown): GardenerErrorCode[] {
  const seen = new Set<unknown>();
  const codes = new Set<GardenerErrorCode>();
  const pending = [error];
  while (pending.length > 0) {
    const next = pending.shift();
    if (!(next instanceof Error) || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof CodedError) for (const code of next.gardenerCodes) codes.add(code);
    if (next instanceof AggregateError) pending.push(...(next.errors as unknown[]));
    pending.push(next.cause);
  }
  return [...codes];
}
