/** The objects of the API stand-in: one counter of versions, optimistic locking, finalizers, and the history for watches. */

export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMeta;
  readonly [field: string]: unknown;
}

export interface StoredMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** An object as a client sends it. */
export interface SentObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** Place of an object: `apps/v1/statefulsets`, its namespace and its name. */
export interface StoreKey {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** One change. `object` is the new state, or for a deletion the last one with the version of the deletion. */
export interface Change {
  readonly version: number;
  readonly collection: string;
  readonly before: StoredObject | undefined;
  readonly object: StoredObject;
  readonly isDeletion: boolean;
}

/** A refusal, which becomes a Status. */
export class Refused extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Record<string, unknown>;

  constructor(code: number, reason: string, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** Starts at 95, so versions gain a digit in every test of their order. */
export class ApiStore {
  #version = 95;
  #uids = 0;
  #compactedAt = 95;
  #history: Change[] = [];
  readonly #objects = new Map<string, StoredObject>();
  readonly #listeners = new Set<(change: Change) => void>();

  get version(): number {
    return this.#version;
  }

  /** Oldest version from which a watch can continue. */
  get compactedAt(): number {
    return this.#compactedAt;
  }

  find(key: StoreKey): StoredObject | undefined {
    return this.#objects.get(idOf(key));
  }

  get(key: StoreKey): StoredObject {
    const object = this.find(key);
    if (object === undefined) throw new Refused(404, 'NotFound', `${key.collection} "${key.name}" not found`);
    return object;
  }

  list(collection: string, namespace: string | undefined): StoredObject[] {
    return [...this.#objects]
      .filter(([id]) => id.startsWith(`${collection}|${namespace === undefined ? '' : `${namespace}|`}`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  create(key: StoreKey, sent: SentObject, dryRun = false): StoredObject {
    if (this.find(key) !== undefined)
      throw new Refused(409, 'AlreadyExists', `${key.collection} "${key.name}" already exists`);
    this.#uids += 1;
    return this.#write(
      key,
      undefined,
      { ...sent, metadata: { ...sent.metadata, uid: `uid-${this.#uids}` } },
      dryRun,
    );
  }

  /** Replaces the object with `sent`. A `resourceVersion` in it must be the current one. */
  replace(key: StoreKey, sent: SentObject, dryRun = false): StoredObject {
    const before = this.get(key);
    const expected = sent.metadata['resourceVersion'];
    if (expected !== undefined && expected !== before.metadata.resourceVersion)
      throw new Refused(409, 'Conflict', `${key.collection} "${key.name}": the object has been modified`);
    const { uid, deletionTimestamp } = before.metadata;
    const metadata = { ...sent.metadata, uid, ...(deletionTimestamp !== undefined && { deletionTimestamp }) };
    const next = { ...sent, metadata };
    const isGone = deletionTimestamp !== undefined && finalizersOf(next).length === 0;
    if (isGone && !dryRun) return this.#drop(key, before);
    return this.#write(key, before, next, dryRun);
  }

  delete(
    key: StoreKey,
    preconditions: { uid?: string; resourceVersion?: string } = {},
    dryRun = false,
  ): StoredObject {
    const before = this.get(key);
    const { uid, resourceVersion } = before.metadata;
    if (
      (preconditions.uid ?? uid) !== uid ||
      (preconditions.resourceVersion ?? resourceVersion) !== resourceVersion
    )
      throw new Refused(409, 'Conflict', `${key.collection} "${key.name}": a precondition failed`);
    if (dryRun) return before;
    if (finalizersOf(before).length === 0) return this.#drop(key, before);
    if (before.metadata.deletionTimestamp !== undefined) return before;
    const metadata = { ...before.metadata, deletionTimestamp: '2026-11-25T10:00:00Z' };
    return this.#write(key, before, { ...before, metadata }, false);
  }

  /** Changes of a collection after a version. Throws 410 if they are forgotten. */
  since(collection: string, version: number): Change[] {
    if (version < this.#compactedAt)
      throw new Refused(410, 'Expired', `too old resource version: ${version} (${this.#compactedAt})`);
    return this.#history.filter((change) => change.collection === collection && change.version > version);
  }

  /** Like {@link since}, for a replica that goes back further than requested. */
  replay(collection: string, count: number): Change[] {
    return this.#history.filter((change) => change.collection === collection).slice(-count);
  }

  /** Forgets all history. */
  compact(): void {
    this.#compactedAt = this.#version;
  }

  /** Sets the counter back, as with data restored from a backup. */
  restore(version: number): void {
    this.#version = version;
    this.#compactedAt = version;
  }

  /** Moves versions on without a change of the observed objects. */
  tick(): void {
    this.#version += 1;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #write(key: StoreKey, before: StoredObject | undefined, next: SentObject, dryRun: boolean): StoredObject {
    const stamped = (version: number): StoredObject =>
      ({
        ...next,
        metadata: { ...next.metadata, ...generation(before, next), resourceVersion: String(version) },
      }) as StoredObject;
    if (dryRun) return stamped(this.#version);
    if (before !== undefined && sameContent(before, stamped(Number(before.metadata.resourceVersion))))
      return before;
    this.#version += 1;
    const object = stamped(this.#version);
    this.#objects.set(idOf(key), object);
    this.#record({ version: this.#version, collection: key.collection, before, object, isDeletion: false });
    return object;
  }

  #drop(key: StoreKey, before: StoredObject): StoredObject {
    this.#version += 1;
    this.#objects.delete(idOf(key));
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version) } };
    this.#record({ version: this.#version, collection: key.collection, before, object, isDeletion: true });
    return object;
  }

  #record(change: Change): void {
    this.#history.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

function idOf({ collection, namespace, name }: StoreKey): string {
  return `${collection}|${namespace ?? ''}|${name}`;
}

function finalizersOf(object: SentObject): readonly string[] {
  return (object.metadata['finalizers'] as readonly string[] | undefined) ?? [];
}

/** Counts changes of `spec`, for objects that have one. */
function generation(before: StoredObject | undefined, next: SentObject): { generation?: number } {
  if (next['spec'] === undefined) return {};
  const last = before?.metadata.generation ?? 0;
  return { generation: sameContent(before?.['spec'], next['spec']) ? last : last + 1 };
}

/** True if a write changes nothing, and so makes no new version. */
function sameContent(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
