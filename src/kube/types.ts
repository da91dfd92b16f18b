/** Metadata of any object, as far as controllers use it (Kubernetes API conventions, "Metadata"). */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque to most; comparable as an integer within one resource since Kubernetes 1.35. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** An object as the API server has it. Fields that nobody here knows stay in it untouched. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A kind of object and where the API server keeps it. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** As in the URL: `statefulsets`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** The server leaves out everything but the metadata: see `objects/metadata-of.ts`. */
  readonly metadataOnly?: true;
  /** Carries the type only. */
  readonly type?: T;
}

/** Which object; `namespace` is undefined for what has none. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListQuery {
  /** Undefined: all of them. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends CallOptions {
  /** `<program>/<purpose>`, one for each; fields that this manager leaves out it gives up. */
  readonly fieldManager: string;
  /** True for objects that are entirely ours: takes fields from other managers. */
  readonly force: boolean;
  readonly subresource?: 'status';
}

/** What is sent to be applied: complete intent, without what the server adds. */
export type Intent<T extends KubeObject> = T & { readonly metadata: { readonly resourceVersion?: never } };

/** RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

export interface KubeList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing happened up to this version; `initialEventsEnd` closes the initial state of a streaming list. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

export interface WatchQuery extends ListQuery {
  /** Events after this version. With `initialEvents`: the initial state is at least as new; undefined means as new as can be. */
  readonly resourceVersion?: string | undefined;
  /**
   * Asks for the initial state first, as a streaming list (Kubernetes 1.32): an `ADDED` for each object, then the bookmark with
   * `initialEventsEnd`. A server that cannot do it refuses with 400 or 422.
   */
  readonly initialEvents?: boolean;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds: number;
}

/**
 * The API server. Every method throws a `KubeError` (see `kube-error.ts`: `KUBE_API` when the server refused, `KUBE_UNREACHABLE` when it
 * gave no usable answer), and the signal's reason; none strips fields that it does not know. Calls are limited in rate, retried only
 * where the server says when (`Retry-After`), and end after a limit of their own.
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: CallOptions): Promise<T>;
  /** In pages of 500, put together; a list whose pages expire meanwhile starts over. Items have `apiVersion` and `kind`. */
  list<T extends KubeObject>(
    resource: Resource<T>,
    query: ListQuery & {
      /** Whatever state the server has at hand that is at least this new; undefined means as new as can be. */
      readonly notOlderThan?: string | undefined;
    },
    options: CallOptions,
  ): Promise<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions): Promise<T>;
  /** With the object's `resourceVersion`, where it has one, as a precondition. */
  replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: CallOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubeObject>(resource: Resource<T>, intent: Intent<T>, options: ApplyOptions): Promise<T>;
  /** JSON patch, for finalizers and other lists where a `test` has to guard the change. */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    operations: readonly JsonPatchOperation[],
    options: CallOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /** Resolves also when it is gone already. */
  delete(
    resource: Resource,
    key: ObjectKey,
    options: CallOptions & {
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
    },
  ): Promise<void>;
  /**
   * One connection, its events in the order they came. Ends when the server ends it; throws a `KubeError` when the server says so (410
   * for an expired version), when the connection breaks, and when it falls silent.
   */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
}
