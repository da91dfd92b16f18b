import { LarderError } from '../../kit/errors.ts';
import type { CachedUpstream } from '../access/target.ts';
import type { UpstreamTable } from '../upstreams.ts';

/** True if callers log in at Larder. In mode `Shared` no caller logs in, whatever the realm. */
export function issuesTokens({ config }: CachedUpstream): boolean {
  return config.authentication.mode === 'Caller' && config.authentication.realm === 'Cache';
}

/** The upstream of `/token/<name>`. Throws `NAME_UNKNOWN` if there is no such token endpoint. */
export function issuingUpstream(table: UpstreamTable, name: string): CachedUpstream {
  const upstream = table.all.find((one) => one.name === name);
  if (upstream !== undefined && issuesTokens(upstream)) return upstream;
  throw new LarderError(
    'NAME_UNKNOWN',
    `no token endpoint for ${JSON.stringify(name.slice(0, 150))}: it is not a configured upstream with authentication.realm Cache`,
  );
}

/**
 * The upstream at whose token endpoint a client of `/v2/` logs in: that of `ns`, or the only upstream. With several it is the
 * default upstream if that issues tokens, else the first that does: the scope of each token request names its real upstream.
 * Undefined: callers do not log in here.
 */
export function pingedIssuer(table: UpstreamTable, ns: string | undefined): CachedUpstream | undefined {
  const pinged = table.pinged(ns);
  if (pinged !== undefined) return issuesTokens(pinged) ? pinged : undefined;
  const { fallback } = table;
  return fallback !== undefined && issuesTokens(fallback) ? fallback : table.all.find(issuesTokens);
}
