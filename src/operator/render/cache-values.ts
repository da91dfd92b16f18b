import type { CacheConfig } from '../../api/registry-config-effective.ts';

/** What the objects of one cache are made of. */
export interface CacheValues {
  /** Where all of them live: the operator's own namespace. */
  readonly namespace: string;
  /** Image of the cache: the operator's own. */
  readonly image: string;
  readonly cache: CacheConfig;
  /** The object that asks for the cache: `<namespace>/<name>`. */
  readonly askedBy: string;
  /**
   * Secrets that the cache names, by the name it has for them: keys and contents in base64 as the API has them. One that is missing
   * is left out.
   */
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Undefined leaves scheduling to the default priority. */
  readonly priorityClassName: string | undefined;
  /** True where the cluster knows `ServiceMonitor` objects. */
  readonly serviceMonitor: boolean;
}
