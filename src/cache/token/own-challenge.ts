import { LarderError } from '../../kit/errors.ts';
import { formatChallenge } from '../../oci/challenge.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { TOKEN_PATH } from '../http/route.ts';
import type { CachedUpstream } from '../access/target.ts';
import { isEncrypted, requireConfidential, type Connection } from './confidential.ts';

/**
 * Error codes of RFC 6750, section 3.1. Without one containerd repeats the request six times instead of asking for a new
 * token.
 */
export type TokenProblem = 'invalid_token' | 'insufficient_scope';

/**
 * Makes Larder's own challenge: it names the token endpoint of `upstream`, and the repository that the client calls
 * `visibleName` (undefined for a ping). The realm is at `--external-url`, else at the address the request was sent to.
 * Throws as {@link requireConfidential} does.
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

/** Address in the request's `Host`: host and port only. It goes back to this client alone. */
function requestedUrl({ request }: RegistryExchange, scheme: 'http' | 'https'): URL {
  const { host = '' } = request.headers;
  if (/^[^/?#@\\\s]+$/.test(host) && URL.canParse(`${scheme}://${host}`))
    return new URL(`${scheme}://${host}`);
  throw new LarderError('REQUEST_INVALID', 'a login needs a Host header, or --external-url');
}
