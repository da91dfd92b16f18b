import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';

/**
 * Turns the error of an exchange with `host` into a row of the error table. `error` comes from undici, a socket or TLS; a
 * {@link LarderError} passes unchanged.
 */
export function upstreamFailure(host: string, error: unknown): LarderError {
  if (isLarderError(error)) return error;
  const codes = errorCodes(error);
  const text = `${host}: ${errorText(error) || [...codes].join(' ')}`;
  if (some(codes, isTimeout)) return new LarderError('UPSTREAM_TIMEOUT', text, { cause: error });
  if (some(codes, isProtocolError)) {
    return new LarderError('UPSTREAM_BAD_ANSWER', `expected an HTTP/1.1 answer from ${text}`, {
      cause: error,
    });
  }
  const hint = some(codes, isTrustError) ? { hint: TRUST_HINT } : {};
  return new LarderError('UPSTREAM_UNREACHABLE', text, { ...hint, cause: error });
}

/**
 * True for the failure of a kept-alive connection that the server closed while a request was on its way. Judges only failures before the
 * first byte of the answer.
 */
export function isBrokenConnection(error: unknown): boolean {
  return some(
    errorCodes(error),
    (code) => code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE',
  );
}

const TRUST_HINT = 'name a Secret with the CA in caches[].caBundleSecretReferenceName (key bundle.crt)';

const isTimeout = (code: string): boolean =>
  code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT';

const isProtocolError = (code: string): boolean =>
  code === 'HTTPParserError' ||
  code === 'UND_ERR_HEADERS_OVERFLOW' ||
  code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';

/** Matches OpenSSL's verification results, as Node names them. */
const isTrustError = (code: string): boolean =>
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_)/.test(code);

/** Collects the codes and names of an error, of its causes, and of the attempts that it sums up. */
function errorCodes(error: unknown, depth = 0): Set<string> {
  if (!(error instanceof Error) || depth > 4) return new Set();
  const { code } = error as NodeJS.ErrnoException;
  const parts = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const inner = [error.cause, ...parts].flatMap((part) => [...errorCodes(part, depth + 1)]);
  return new Set([error.name, ...(code === undefined ? [] : [code]), ...inner]);
}

function some(codes: ReadonlySet<string>, test: (code: string) => boolean): boolean {
  return [...codes].some(test);
}
