import { LarderError } from '../../kit/errors.ts';
import { formatChallenge } from '../../oci/challenge.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { TOKEN_PATH } from '../http/route.ts';
import type { CachedUpstream } from '../access/target.ts';
import { isEncrypted, requireConfidential, type Connection } from './confidential.ts';

/** RFC 6750, section 3.1. containerd asks for a new token only when told so, and else repeats itself six times. */
export type TokenProblem = 'invalid_token' | 'insufficient_scope';

/**
 * Larder's own challenge: where a client of `upstream` gets a token, for the repository that it calls `visibleName` (undefined: a
 * ping). The realm lies at `--external-url`, else where the request was sent to. Throws as {@link requireConfidential} does.
 */
export type OwnChallenge = (
  exchange: RegistryExchange,
  upstream: CachedUpstream,
  visibleName: string | undefined,
  problem?: TokenProblem,
) => string;

export function createOwnChallenge(externalUrl: URL | undefined): OwnChallenge {
  return (exchange, upstream, visibleName, problem) => {
    const connection: Connection = exchange.request.socket;
    requireConfidential(connection, externalUrl);
    const base = externalUrl ?? requestedUrl(exchange, isEncrypted(connection) ? 'https' : 'http');
    const parameters = new Map([
      ['realm', `${base.href.replace(/\/$/, '')}${TOKEN_PATH}${upstream.name}`],
      ['service', base.host],
    ]);
    if (visibleName !== undefined) parameters.set('scope', pullScope(visibleName));
    if (problem !== undefined) parameters.set('error', problem);
    return formatChallenge({ scheme: 'bearer', parameters });
  };
}

export function pullScope(visibleName: string): string {
  return `repository:${visibleName}:pull`;
}

/** Only host and port of what the client wrote: the address goes back to this client alone. */
function requestedUrl({ request }: RegistryExchange, scheme: 'http' | 'https'): URL {
  const { host = '' } = request.headers;
  if (/^[^/?#@\\\s]+$/.test(host) && URL.canParse(`${scheme}://${host}`))
    return new URL(`${scheme}://${host}`);
  throw new LarderError('REQUEST_INVALID', 'a login needs a Host header, or --external-url');
}
