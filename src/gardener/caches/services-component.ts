import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { defaultRemoteUrl } from '../../api/rules/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import { PORTS } from '../../operator/render/cache-names.ts';
import { shootComponent, type Component } from '../managed-resources/component.ts';
import { SHOOT_NAMESPACE, shootNamesOf } from './shoot-names.ts';

/** Name of the ManagedResource with the Services. */
export const SERVICES_COMPONENT = 'extension-registry-cache-services';

/** Annotations of a Service, in which the Go extension keeps what it needs to know of the cache. */
export const SERVICE_ANNOTATION = {
  upstream: 'upstream',
  remoteUrl: 'remote-url',
  scheme: 'scheme',
} as const;

/**
 * Renders the Services of all caches. They come before everything else, because certificates and the status need their addresses. Throws
 * `CONFIG_INVALID` if two have one name.
 */
export function servicesComponent(namespace: string, caches: readonly CacheDocument[]): Component {
  return shootComponent(
    { namespace, name: SERVICES_COMPONENT, secretBase: `managedresource-${SERVICES_COMPONENT}` },
    caches.map(shootService),
  );
}

export function remoteUrlOf({ upstream, remoteURL }: CacheDocument): string {
  return remoteURL ?? defaultRemoteUrl(upstream);
}

export function schemeOf({ http }: CacheDocument): 'http' | 'https' {
  return http.tls ? 'https' : 'http';
}

function shootService(cache: CacheDocument): KubeObject & { spec: object } {
  const { serviceName, labels } = shootNamesOf(cache);
  const port = (name: string, number: number) => ({ name, port: number, protocol: 'TCP', targetPort: name });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName,
      namespace: SHOOT_NAMESPACE,
      labels,
      annotations: {
        [SERVICE_ANNOTATION.upstream]: cache.upstream,
        [SERVICE_ANNOTATION.remoteUrl]: remoteUrlOf(cache),
        [SERVICE_ANNOTATION.scheme]: schemeOf(cache),
      },
    },
    spec: {
      type: 'ClusterIP',
      selector: labels,
      ports: [port('registry-cache', PORTS.registry), port('debug', PORTS.admin)],
    },
  };
}
