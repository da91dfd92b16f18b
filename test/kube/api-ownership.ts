import { isDeepStrictEqual } from 'node:util';
import { Refused, type SentObject, type StoredObject } from './api-store.ts';

/** Server-side apply with owners of leaf fields. A list belongs to one owner as a whole. */
export class ApiOwnership {
  /** Owners of fields, by the object's uid. */
  readonly #owners = new Map<string, Map<string, Set<string>>>();

  /**
   * Merges the intent of `manager` into the object and removes the fields it gave up. Throws 409 with a cause for each field to which
   * another manager gave another value, unless `force`.
   */
  apply(before: StoredObject | undefined, intent: SentObject, manager: string, force: boolean): SentObject {
    const owners = this.#of(before?.metadata.uid);
    const wanted = new Map(leaves(intent));
    const others = (path: string): string[] =>
      [...(owners.get(path) ?? [])].filter((name) => name !== manager);
    const clashes = [...wanted].filter(
      ([path, value]) => others(path).length > 0 && !isDeepStrictEqual(valueAt(before, path), value),
    );
    if (clashes.length > 0 && !force) {
      const causes = clashes.map(([path]) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with "${others(path).join(', ')}"`,
        field: path.replaceAll('\0', '.'),
      }));
      throw new Refused(
        409,
        'Conflict',
        `Apply failed with ${causes.length} conflict: ${causes[0]?.message}`,
        { causes },
      );
    }
    const next = structuredClone(before ?? intent) as Record<string, unknown>;
    for (const [path, names] of owners) {
      if (!wanted.has(path) && names.delete(manager) && names.size === 0) remove(next, path);
    }
    for (const [path, value] of wanted) set(next, path, value);
    return next as SentObject;
  }

  /** Records the fields of an apply. Fields with changed values change hands. */
  record(uid: string, intent: SentObject, manager: string, before: StoredObject | undefined): void {
    const owners = this.#of(uid);
    for (const [path, value] of leaves(intent)) {
      const isShared = before !== undefined && isDeepStrictEqual(valueAt(before, path), value);
      owners.set(path, new Set([...(isShared ? (owners.get(path) ?? []) : []), manager]));
    }
  }

  #of(uid = ''): Map<string, Set<string>> {
    const known = this.#owners.get(uid) ?? new Map<string, Set<string>>();
    if (uid !== '') this.#owners.set(uid, known);
    return known;
  }
}

/** Fields without an owner: the object's identity. */
const IDENTITY = new Set([
  'apiVersion',
  'kind',
  'metadata\0name',
  'metadata\0namespace',
  'metadata\0uid',
  'metadata\0resourceVersion',
]);

function* leaves(value: unknown, path: readonly string[] = []): Generator<[string, unknown]> {
  const joined = path.join('\0');
  if (IDENTITY.has(joined)) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    yield [joined, value];
    return;
  }
  for (const [name, part] of Object.entries(value)) yield* leaves(part, [...path, name]);
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.split('\0')) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

function set(object: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('\0');
  const last = names.pop() ?? '';
  let parent = object;
  for (const name of names) parent = (parent[name] ??= {}) as Record<string, unknown>;
  parent[last] = value;
}

function remove(object: Record<string, unknown>, path: string): void {
  const names = path.split('\0');
  const last = names.pop() ?? '';
  const parent = valueAt(object, names.join('\0')) as Record<string, unknown> | undefined;
  delete parent?.[last];
}
