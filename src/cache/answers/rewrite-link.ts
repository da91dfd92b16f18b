import { formatNextLink, nextLink } from '../../oci/link.ts';
import type { Target } from '../access/target.ts';

/**
 * Rewrites the `Link` to the page after `list` (`tags/list` or `referrers/<digest>`) to this cache: relative, under the name that the
 * client used, with the client's `ns`. Undefined if the upstream's link leads to another host, or to anything but a list of this
 * repository. A client must never be sent there, and no token in such a URL may reach it.
 */
export function rewriteLink(header: string, target: Target, list: string): string | undefined {
  const next = nextLink(header);
  if (next === undefined) return undefined;
  const base = new URL(target.upstream.config.remoteURL);
  const url = resolve(next, new URL(`/v2/${target.repository}/${list}`, base));
  if (url === undefined || url.host !== base.host) return undefined;
  const prefix = `/v2/${target.repository}/`;
  if (!url.pathname.startsWith(prefix)) return undefined;
  const rest = url.pathname.slice(prefix.length);
  if (rest !== 'tags/list' && !rest.startsWith('referrers/')) return undefined;
  if (target.ns !== undefined) url.searchParams.set('ns', target.ns);
  return formatNextLink(`/v2/${target.visibleName}/${rest}${url.search}`);
}

/** Resolves a link: registries write absolute URLs, absolute paths, and paths relative to the list. */
function resolve(link: string, list: URL): URL | undefined {
  try {
    return new URL(link, list);
  } catch {
    return undefined;
  }
}
