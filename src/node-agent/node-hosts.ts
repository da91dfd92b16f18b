import type { HostsFile } from './hosts/hosts-toml.ts';
import type { NodeDocument } from '../fleet/node-document.ts';

/** How containerd finds the relay, and knows it. */
export interface RelayPlace {
  readonly url: string;
  /** The authority that signed the relay's certificate, PEM. */
  readonly ca: string;
}

/** A connection to loopback is there or refused at once; this is for the day when something drops packets there. */
const RELAY_DIAL = '1s';
/** A mirror that is down costs 30 s a request otherwise. */
const MIRROR_DIAL = '5s';

/** The files that a document asks for: of caches those that `isUp`, which lead to the relay; of mirrors all. */
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
