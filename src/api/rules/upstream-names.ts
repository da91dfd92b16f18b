import { createHash } from 'node:crypto';

/** Where an upstream is reached when nothing else is configured. The registry of `docker.io` has another name. */
export function defaultRemoteUrl(upstream: string): string {
  return upstream === 'docker.io' ? 'https://registry-1.docker.io' : `https://${upstream}`;
}

/** The upstream as a label value of at most 43 characters: the value of the label `upstream-host`. */
export function upstreamLabel(upstream: string): string {
  const label = upstream.replaceAll(':', '-');
  if (Buffer.byteLength(upstream) <= 43) return label;
  const hash = createHash('sha256').update(upstream).digest('hex').slice(0, 5);
  return `${label.slice(0, 37)}-${hash}`;
}

/**
 * The name of everything a cluster holds for an upstream. At most 52 characters, because pods of a StatefulSet with a longer
 * name cannot be created (https://github.com/kubernetes/kubernetes/issues/64023).
 */
export function upstreamResourceName(upstream: string): string {
  return `registry-${upstreamLabel(upstream).replaceAll('.', '-')}`;
}
