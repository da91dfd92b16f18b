import type { RegistryConfigDocument } from '../../api/registry-config/schema.ts';
import type { ExtensionEntry } from './provider-config.ts';

/** The `providerConfig` of an entry, and what was read from it. */
interface DecodedEntry {
  readonly entry: ExtensionEntry;
  readonly config: RegistryConfigDocument;
}

/**
 * True if two configurations with their defaults mean the same: quantities by their amount, durations by their length. As for the Gardener
 * extension, an empty `proxy` or `highAvailability` differs from none.
 */
export function isSameConfig(a: DecodedEntry, b: DecodedEntry): boolean {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint({ config, entry }: DecodedEntry): string {
  const { caches, registryConfigReplication } = config;
  const written = entry.providerConfig as { caches?: readonly (object | null)[] | null };
  return JSON.stringify([caches, registryConfigReplication, written.caches?.map(emptyMaps) ?? []], amounts);
}

function emptyMaps(cache: { proxy?: unknown; highAvailability?: unknown } | null): boolean[] {
  return [cache?.proxy, cache?.highAvailability].map((map) => map !== undefined && map !== null);
}

/** Replaces a quantity by its amount, whose text may vary. */
function amounts(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'object' && value !== null && 'nano' in value) return String(value.nano);
  return value;
}
