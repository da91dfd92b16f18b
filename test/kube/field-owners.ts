import { isDeepStrictEqual } from 'node:util';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { KubeObject } from '../../src/kube/types.ts';

type Stored = KubeObject & Record<string, unknown>;
/** Path of a value: `spec.replicas`, `metadata.labels.app`. */
type Path = readonly string[];

/** Owners of fields: three levels deep in `metadata`, two levels deep elsewhere. Deeper values are owned as a whole. */
export class FieldOwners {
  /** By object, then by path. */
  readonly #owners = new Map<string, Map<string, Set<string>>>();

  forget(id: string): void {
    this.#owners.delete(id);
  }

  /** Records a write other than an apply: the writer of a changed value owns it alone. */
  updated(id: string, manager: string, before: Stored | undefined, after: Stored): void {
    const owners = this.#of(id);
    for (const path of pathsOf(after)) {
      const same = before !== undefined && isDeepStrictEqual(valueAt(before, path), valueAt(after, path));
      if (!same) owners.set(path.join('\0'), new Set([manager]));
    }
  }

  /** Merges the intent of `manager` into `before` and removes its former fields without another owner. */
  apply(
    id: string,
    before: Stored,
    wanted: Stored,
    { fieldManager, force }: { fieldManager: string; force: boolean },
  ): Stored {
    const owners = this.#of(id);
    const next = structuredClone(before);
    const paths = pathsOf(wanted);
    const conflicts = paths.flatMap((path) => {
      if (isDeepStrictEqual(valueAt(before, path), valueAt(wanted, path))) return [];
      const others = [...(owners.get(path.join('\0')) ?? [])].filter((name) => name !== fieldManager);
      return others.map((name) => ({ path, name }));
    });
    if (conflicts.length > 0 && !force) throw conflict(conflicts);
    const names = new Set(paths.map((path) => path.join('\0')));
    for (const [name, managers] of owners) {
      if (names.has(name) || !managers.delete(fieldManager) || managers.size > 0) continue;
      owners.delete(name);
      setAt(next, name.split('\0'), undefined);
    }
    for (const path of paths) {
      const name = path.join('\0');
      const same = isDeepStrictEqual(valueAt(before, path), valueAt(wanted, path));
      owners.set(name, new Set([...(same ? (owners.get(name) ?? []) : []), fieldManager]));
      setAt(next, path, valueAt(wanted, path));
    }
    return next;
  }

  #of(id: string): Map<string, Set<string>> {
    const owners = this.#owners.get(id) ?? new Map<string, Set<string>>();
    this.#owners.set(id, owners);
    return owners;
  }
}

const KEPT_BY_SERVER = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
];

function pathsOf(object: Stored): Path[] {
  return Object.entries(object).flatMap(([field, value]) => {
    if (field === 'apiVersion' || field === 'kind') return [];
    if (field !== 'metadata') return leaves([field], value, 1);
    return Object.entries(value as object)
      .filter(([name]) => !KEPT_BY_SERVER.includes(name))
      .flatMap(([name, below]) => leaves([field, name], below, 1));
  });
}

function leaves(path: Path, value: unknown, depth: number): Path[] {
  if (depth === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([name, below]) => leaves([...path, name], below, depth - 1));
}

function valueAt(object: object, path: Path): unknown {
  return path.reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], object);
}

function setAt(object: object, path: Path, value: unknown): void {
  let node = object as Record<string, unknown>;
  for (const name of path.slice(0, -1)) {
    node[name] ??= {};
    node = node[name] as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (value === undefined) delete node[last];
  else node[last] = structuredClone(value);
}

/** Message as the API server words it (`managedfields/internal/conflict.go`). */
function conflict(conflicts: readonly { path: Path; name: string }[]): KubeError {
  const causes = conflicts.map(({ path, name }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${name}"`,
    field: `.${path.join('.')}`,
  }));
  const message = `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}`;
  return new KubeError(message, { httpStatus: 409, reason: 'Conflict', details: { causes } });
}
