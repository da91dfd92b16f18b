import type { KeySource } from '../../kube/controller/key-source.ts';
import type { ObjectStore } from '../../kube/informer/object-store.ts';

/** The kind `ServiceMonitor`: the operator of Prometheus brings it, also long after Larder, and it may go again. */
export interface ServiceMonitorKind {
  isServed(): boolean;
  /** `keys` when it comes: what stands without ServiceMonitors gets them then. */
  arrivals(keys: () => Iterable<string>): KeySource;
}

/** `crd` holds whether its CRD is established, where there is one: one watch for all caches, and no request of any of them. */
export function createServiceMonitorKind(crd: ObjectStore<boolean>): ServiceMonitorKind {
  return {
    isServed: () => crd.list().includes(true),
    arrivals: (keys) => ({
      onChange(handler) {
        crd.onChange((before = false, after = false) => {
          if (!before && after) for (const key of keys()) handler(key);
        });
      },
      whenSynced: (signal) => crd.whenSynced(signal),
    }),
  };
}
