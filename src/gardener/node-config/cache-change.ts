import type { PublishedCaches } from '../caches/provider-status.ts';
import { REGISTRIES_FOLDER } from './mirror-ca-path.ts';
import type { NodeChange, NodeRegistry } from './node-change.ts';

/** File with the certificates to trust for all caches of a shoot. */
const CA_PATH = `${REGISTRIES_FOLDER}/ca-bundle.pem`;

/**
 * Leads the nodes of a shoot to its caches. `bundle` is the content of the Secret that the status names, in base64; undefined if it names none. A file of
 * an earlier change is not removed then: gardenlet makes a new configuration each time.
 */
export function cacheChange({ caches }: PublishedCaches, bundle: string | undefined): NodeChange {
  return {
    files: bundle === undefined ? [] : [{ path: CA_PATH, content: bundle }],
    registries: caches.map(registryOf),
  };
}

function registryOf({ upstream, endpoint, remoteURL }: PublishedCaches['caches'][number]): NodeRegistry {
  const isTrusted = endpoint.startsWith('https://');
  return {
    upstream,
    server: remoteURL,
    hosts: [
      {
        url: endpoint,
        capabilities: ['pull', 'resolve'],
        ...(isTrusted && { caCerts: [CA_PATH] }),
      },
    ],
    readinessProbe: true,
  };
}
