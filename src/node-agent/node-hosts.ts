import type { HostsFile } from './hosts/hosts-toml.ts';
import type { NodeDocument } from '../fleet/node-document.ts';

/** URL of the relay for containerd, and the CA to verify it. */
export interface RelayPlace {
  readonly url: string;
  /** CA that signed the relay's certificate, PEM. */
  readonly ca: string;
}

/** Loopback accepts or refuses a connection at once. The limit is for a node that drops packets on loopback. */
const RELAY_DIAL = '1s';
/** Without a limit a mirror that is down costs 30 s per request. */
const MIRROR_DIAL = '5s';

/** Files that a document asks for: for each cache that `isUp` one that leads to the relay, and for every mirror one. */
export function hostsFilesOf(
  { caches, mirrors, bundles }: NodeDocument,
  { url, ca }: RelayPlace,
  isUp: (upstream: string) => boolean,
): HostsFile[] {
  return [
    ...caches
      .filter(({ upstream }) => isUp(upstream))
      .map(({ upstream, server }) => ({
        upstream,
        server,
        hosts: [{ url, ca, capabilities: ['pull', 'resolve'] as const, dialTimeout: RELAY_DIAL }],
      })),
    ...mirrors.map(({ upstream, server, hosts }) => ({
      upstream,
      server,
      hosts: hosts.map(({ host, ca, ...settings }) => ({
        url: host,
        dialTimeout: MIRROR_DIAL,
        ...settings,
        ...(ca !== undefined && { ca: bundles[ca] }),
      })),
    })),
  ];
}
