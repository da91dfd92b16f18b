import type { CacheConfig } from '../../api/registry-config/effective.ts';

/** What the objects of one cache are made of. */
export interface CacheValues {
  /** Where all of them live: the operator's own namespace. */
  readonly namespace: string;
  /** Image of the cache: the operator's own. */
  readonly image: string;
  /** Secrets of the same namespace that the image is pulled with. */
  readonly imagePullSecrets: readonly string[];
  /** Of the same namespace: who a cache is for its cloud. No cache gets its token for the API server. */
  readonly serviceAccountName: string;
  /** Of the pods, beside their own, which come first. */
  readonly podLabels: Readonly<Record<string, string>>;
  readonly cache: CacheConfig;
  /** The object that asks for the cache: `RegistryConfig <namespace>/<name>`. */
  readonly owner: string;
  /**
   * Secrets that the cache names, by the name it has for them: keys and contents in base64 as the API has them. One that is missing
   * is left out.
   */
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** What the claim holds, in bytes: less than the configuration says while it grows. */
  readonly volumeBytes: number;
  /** Of an existing StatefulSet: immutable, so a change of size reaches the claim alone. Undefined: as the configuration says. */
  readonly claimTemplates: readonly object[] | undefined;
  /** What becomes of the claim when the cache goes. */
  readonly claimRetention: 'Delete' | 'Retain';
  /** Where clients of the nodes' relays reach them: a cache that is a token server names it in its challenges. */
  readonly relayUrl: string;
  /** Undefined leaves scheduling to the default priority. */
  readonly priorityClassName: string | undefined;
  /** True where the cluster knows `ServiceMonitor` objects. */
  readonly serviceMonitor: boolean;
  /** Of the ServiceMonitor, beside its own, which come first: by them a Prometheus may choose which ones it looks at. */
  readonly serviceMonitorLabels: Readonly<Record<string, string>>;
}
