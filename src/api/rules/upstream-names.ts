import { createHash } from 'node:crypto';

/** The URL of an upstream without a configured one. The registry of `docker.io` has another name. */
export function defaultRemoteUrl(upstream: string): string {
  return upstream === 'docker.io' ? 'https://registry-1.docker.io' : `https://${upstream}`;
}

/** The upstream whose URL this may be, the inverse of {@link defaultRemoteUrl}; undefined for a text that is no URL. */
export function upstreamAt(url: string): string | undefined {
  const host = URL.canParse(url) ? new URL(url).host : '';
  if (host === '') return undefined;
  return host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** The upstream as a value of the label `upstream-host`, of at most 43 characters. */
export function upstreamLabel(upstream: string): string {
  const label = upstream.replaceAll(':', '-');
  if (Buffer.byteLength(upstream) <= 43) return label;
  const hash = createHash('sha256').update(upstream).digest('hex').slice(0, 5);
  return `${label.slice(0, 37)}-${hash}`;
}

/**
 * The name of the objects that a cluster has for an upstream. At most 52 characters, because the pods of a StatefulSet with a
 * longer name cannot be created (https://github.com/kubernetes/kubernetes/issues/64023).
 */
export function upstreamResourceName(upstream: string): string {
  return `registry-${upstreamLabel(upstream).replaceAll('.', '-')}`;
}
