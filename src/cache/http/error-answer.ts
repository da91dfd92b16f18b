import { ERROR_TABLE, LarderError } from '../../kit/errors.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';
import { sendBody, type Headers } from './answer.ts';
import type { CacheStatus } from './cache-status.ts';
import type { RegistryExchange } from './exchange.ts';
import { LoginRequired } from './login-required.ts';

/** `Retry-After` of a 503 without a better estimate. */
const RETRY_AFTER_SECONDS = 5;

/** Sends the error document of the distribution-spec. Must not be called once headers are out. */
export function sendErrorAnswer(exchange: RegistryExchange, error: LarderError): void {
  exchange.error = error;
  const { oci, status: code } = ERROR_TABLE[error.code];
  const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  const document = {
    errors: [{ code: oci, message, ...(error.detail !== undefined && { detail: error.detail }) }],
  };
  const headers: Headers = { 'Content-Type': 'application/json' };
  const retryAfter = error.retryAfterSeconds ?? (code === 503 ? RETRY_AFTER_SECONDS : undefined);
  if (retryAfter !== undefined) headers['Retry-After'] = Math.max(1, Math.ceil(retryAfter));
  if (isChallenge(error)) headers['WWW-Authenticate'] = [...error.challenges];
  if (error.code === 'UNSUPPORTED') headers['Allow'] = exchange.allow;
  sendBody(exchange, code, statusOf(error), headers, JSON.stringify(document));
}

/** Sends a 416 with the size of the blob (RFC 9110, section 15.5.17). */
export function sendRangeError(exchange: RegistryExchange, size: number): void {
  const error = new LarderError('RANGE_INVALID', `the range lies outside the ${size} bytes of the blob`);
  exchange.response.setHeader('Content-Range', `bytes */${size}`);
  sendErrorAnswer(exchange, error);
}

function isChallenge(error: LarderError): error is UpstreamRefusal | LoginRequired {
  const hasChallenges = error instanceof UpstreamRefusal || error instanceof LoginRequired;
  return hasChallenges && error.challenges.length > 0 && error.status === 401;
}

/** A refusal came from the upstream, so its status is given as `fwd-status`. Any other error is Larder's own answer. */
function statusOf(error: LarderError): CacheStatus {
  if (error instanceof UpstreamRefusal)
    return { kind: 'miss', status: error.upstreamStatus, detail: error.code };
  return { kind: 'error', detail: error.code };
}
