import { startRegistry } from '../../test/parts/start-registry.ts';
import type { Peer } from './peer.ts';

/** Starts Distribution 3 in proxy mode with files on disk and no access log, as the Go extension for Gardener runs it. */
export function startDistribution({ origin }: { readonly origin: string }): Promise<Peer> {
  return startRegistry({ part: 'registry3', proxyOf: origin });
}
