import { stringify } from 'yaml';
import type { MirrorConfig } from './effective.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from './schema.ts';

/**
 * The effective configuration as a `MirrorConfig` document in YAML, every default written out. Reading it gives the same
 * configuration; as for a `RegistryConfig`, it can hold no secret.
 */
export function printMirrorConfig({ mirrors }: MirrorConfig): string {
  return stringify({ apiVersion: MIRROR_API_VERSION, kind: MIRROR_KIND, mirrors }, { lineWidth: 0 });
}
