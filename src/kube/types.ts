/** Metadata of any object, as far as controllers use them (Kubernetes API conventions, "Metadata"). */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque in general. Comparable as an integer within one resource since Kubernetes 1.35. */
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

/** An object as the API server has it. Unknown fields stay in it untouched. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A kind of object and its place in the API. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** As in the URL: `statefulsets`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** The server sends only the metadata: see `objects/metadata-of.ts`. */
  readonly metadataOnly?: true;
  /** Carries the type only. */
  readonly type?: T;
}

/** Name of an object; `namespace` is undefined for a cluster-wide kind. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListQuery {
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** One page of a list. */
export interface PageOf {
  /** Most objects in the answer. */
  readonly limit: number;
  /** Token of an earlier answer. Undefined: the first page. */
  readonly continueToken?: string | undefined;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends CallOptions {
  /** `<program>/<purpose>`, one per purpose. Fields that this manager leaves out are given up. */
  readonly fieldManager: string;
  /** True for objects that are entirely ours: takes fields from other managers. */
  readonly force: boolean;
  readonly subresource?: 'status';
}

/** Complete intent for an apply, without the fields that the server adds. */
export type Intent<T extends KubeObject> = T & { readonly metadata: { readonly resourceVersion?: never } };

/** RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** RFC 7386: a null removes the field, a list replaces the list, maps are merged. A `metadata.resourceVersion` is a precondition. */
export type MergePatch = Readonly<Record<string, unknown>>;

export interface KubeList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page, if one page was asked for and there are more. Expires after some minutes (410). */
  readonly continueToken?: string;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing has changed up to this version. `initialEventsEnd` closes the initial state of a streaming list. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

export interface WatchQuery extends ListQuery {
  /**
   * Requests events after this version. With `initialEvents`: the initial state is at least this new, or as new as possible if undefined.
   */
  readonly resourceVersion?: string | undefined;
  /**
   * Requests the initial state first, as a streaming list (Kubernetes 1.32): an `ADDED` for each object, then the bookmark with
   * `initialEventsEnd`. A server without streaming lists refuses with 400 or 422.
   */
  readonly initialEvents?: boolean;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds: number;
}

/**
 * Client of the API server. Every method throws a `KubeError` (see `kube-error.ts`: `KUBE_API` if the server refused, `KUBE_UNREACHABLE`
 * without a usable answer) or the signal's reason, and keeps unknown fields. Calls are limited in rate, retried only where the server says
 * when (`Retry-After`), and have a time limit of their own.
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: CallOptions): Promise<T>;
  /** Lists in pages of 500 and returns them as one. Starts over if pages expire meanwhile. Items have `apiVersion` and `kind`. */
  list<T extends KubeObject>(
    resource: Resource<T>,
    query: ListQuery & {
      /** Accepts any state that is at least this new. Undefined: as new as possible. */
      readonly notOlderThan?: string | undefined;
      /** Fetches this page alone, so that the memory has a limit. */
      readonly page?: PageOf | undefined;
    },
    options: CallOptions,
  ): Promise<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions): Promise<T>;
  /** Uses the object's `resourceVersion`, if it has one, as a precondition. */
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
  /** Merge patch: writes some fields of an object that others write to as well, whatever version it has. */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: MergePatch,
    options: CallOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /** Resolves also if the object is already gone. */
  delete(
    resource: Resource,
    key: ObjectKey,
    options: CallOptions & {
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
      /** 0 deletes a pod at once, without a word from its node. */
      readonly gracePeriodSeconds?: number;
    },
  ): Promise<void>;
  /**
   * Opens one connection and yields its events in order. Returns when the server ends the watch. Throws a `KubeError` if the server reports
   * an error (410 for an expired version), if the connection breaks, and if it is silent for too long.
   */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
}
