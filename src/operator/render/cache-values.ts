import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { ConfigId } from '../cluster/config-id.ts';

/** Everything from which the objects of one cache are rendered. */
export interface CacheValues {
  /** Namespace of all objects: the operator's own. */
  readonly namespace: string;
  /** Image of the cache: the operator's own. */
  readonly image: string;
  /** Pull secrets for the image, in the same namespace. */
  readonly imagePullSecrets: readonly string[];
  /** ServiceAccount of the same namespace: the identity of the cache for its cloud. No cache gets a token for the API server. */
  readonly serviceAccountName: string;
  /** Additional labels of the pods. The cache's own labels take precedence. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** Additional labels of all objects, pods and volume claims. The cache's own labels take precedence. */
  readonly objectLabels: Readonly<Record<string, string>>;
  /** Taints of nodes that the pods tolerate (`core/v1`, `Toleration`). */
  readonly tolerations: readonly object[];
  /** Labels of the nodes that run the pods. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly cache: CacheConfig;
  readonly owner: ConfigId;
  /**
   * Secrets of the configuration by name. Each maps its keys to contents in base64, as in the API. A Secret that does not exist is left
   * out.
   */
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** CA certificates that the cache trusts beside its own, in base64; undefined for none. */
  readonly trustedCa: string | undefined;
  /** Capacity of the volume in bytes: less than configured while it grows. */
  readonly volumeBytes: number;
  /**
   * Claim templates of an existing StatefulSet. They are immutable, so a new size is requested from the claim alone. Undefined: render them
   * from the configuration.
   */
  readonly claimTemplates: readonly object[] | undefined;
  /** Deletes or keeps the claim when the cache is removed. */
  readonly claimRetention: 'Delete' | 'Retain';
  /** URL at which clients reach the relay of their node. A cache that is a token server names it in its challenges. */
  readonly relayUrl: string;
  /** Undefined: the cluster's default priority. */
  readonly priorityClassName: string | undefined;
  /** True if the cluster serves `ServiceMonitor` objects. */
  readonly serviceMonitor: boolean;
  /** Additional labels of the ServiceMonitor, by which a Prometheus may select it. The cache's own labels take precedence. */
  readonly serviceMonitorLabels: Readonly<Record<string, string>>;
}
