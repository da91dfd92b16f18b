import type { RegistryConfig } from '../api/registry-config-effective.ts';

/**
 * The field paths of settings that the document may hold and this version of the server does not act on, so that nobody
 * believes in them. Settings of the Service in a cluster (`volume`, `http`, `highAvailability`, `serviceNameSuffix`) are none: they
 * are not the server's.
 */
export function unservedSettings(config: RegistryConfig): string[] {
  return config.caches.flatMap(({ preload }, index) =>
    preload.length > 0 ? [`caches[${index}].preload`] : [],
  );
}
