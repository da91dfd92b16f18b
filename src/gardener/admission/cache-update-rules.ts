import type { CacheDocument, RegistryConfigDocument } from '../../api/registry-config/schema.ts';
import { RULE_MESSAGES } from '../../api/rules/rule-messages.ts';
import { formatDuration } from '../../kit/duration.ts';
import type { FieldPath, Problem, Problems } from '../../kit/document/field-problem.ts';
import { compareQuantities } from '../../kit/quantity.ts';

/**
 * Checks a change in the words and order of the Gardener extension. Entries are matched by their upstream. Larder could enlarge a volume and
 * turn garbage collection on again, but a Shoot must remain one that the extension accepts.
 */
export function updateProblems(
  old: RegistryConfigDocument,
  config: RegistryConfigDocument,
  problems: Problems,
): Problem[] {
  const before = new Map(old.caches.toReversed().map((cache) => [cache.upstream, cache]));
  return config.caches.flatMap((cache, index) => {
    const matching = before.get(cache.upstream);
    return matching === undefined ? [] : [...entryRules(matching, cache, ['caches', index], problems)];
  });
}

function* entryRules(
  old: CacheDocument,
  { volume, garbageCollection }: CacheDocument,
  path: FieldPath,
  problems: Problems,
): Generator<Problem> {
  if (compareQuantities(old.volume.size, volume.size) !== 0) {
    yield problems.invalid([...path, 'volume', 'size'], volume.size.text, RULE_MESSAGES.immutable);
  }
  if (old.volume.storageClassName !== volume.storageClassName) {
    const value = goJson(volume.storageClassName ?? null);
    yield problems.invalidJson([...path, 'volume', 'storageClassName'], value, RULE_MESSAGES.immutable);
  }
  if (old.garbageCollection.ttl <= 0n && garbageCollection.ttl > 0n) {
    const value = goJson({ TTL: formatDuration(garbageCollection.ttl) });
    yield problems.invalidJson([...path, 'garbageCollection', 'ttl'], value, ENABLED_AGAIN);
  }
}

const ENABLED_AGAIN = 'garbage collection cannot be enabled (ttl > 0) once it is disabled (ttl = 0)';

/** JSON as Go's `encoding/json` writes it: fit for HTML. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
