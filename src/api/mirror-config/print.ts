import { stringify } from 'yaml';
import { toDocument } from '../document/effective.ts';
import type { MirrorConfig } from './effective.ts';
import { MIRROR_API_VERSION, MIRROR_KIND, mirrorConfigContent } from './schema.ts';

/**
 * Prints the effective configuration as a `MirrorConfig` document in YAML, with every default written out. Reading the
 * document gives the same configuration. As with a `RegistryConfig`, it contains no secret.
 */
export function printMirrorConfig(config: MirrorConfig): string {
  const document = {
    apiVersion: MIRROR_API_VERSION,
    kind: MIRROR_KIND,
    ...toDocument(mirrorConfigContent, config),
  };
  return stringify(document, { lineWidth: 0 });
}
