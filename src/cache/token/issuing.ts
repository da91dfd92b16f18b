import { LarderError } from '../../kit/errors.ts';
import type { CachedUpstream } from '../access/target.ts';
import type { UpstreamTable } from '../upstreams.ts';

/** True where callers log in at Larder. In mode `Shared` nobody logs in, whatever the realm. */
export function issuesTokens({ config }: CachedUpstream): boolean {
  return config.authentication.mode === 'Caller' && config.authentication.realm === 'Cache';
}

/** The upstream of `/token/<name>`. Throws `NAME_UNKNOWN` where there is no such token endpoint. */
export function issuingUpstream(table: UpstreamTable, name: string): CachedUpstream {
  const upstream = table.all.find((one) => one.name === name);
  if (upstream !== undefined && issuesTokens(upstream)) return upstream;
  throw new LarderError(
    'NAME_UNKNOWN',
    `there are no tokens for ${JSON.stringify(name.slice(0, 150))}: it is no configured upstream with authentication.realm Cache`,
  );
}

/**
 * The upstream at whose token endpoint a client of `/v2/` logs in: that of `ns`, or the only one; with several the default one, else
 * the first that has one, as the scope of each token request says where it really goes. Undefined: nobody logs in here.
 */
export function pingedIssuer(table: UpstreamTable, ns: string | undefined): CachedUpstream | undefined {
  const pinged = table.pinged(ns);
  if (pinged !== undefined) return issuesTokens(pinged) ? pinged : undefined;
  const { fallback } = table;
  return fallback !== undefined && issuesTokens(fallback) ? fallback : table.all.find(issuesTokens);
}
