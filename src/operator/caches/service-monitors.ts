import type { KeySource } from '../../kube/controller/key-source.ts';
import type { ObjectStore } from '../../kube/informer/object-store.ts';

/** The kind `ServiceMonitor`. The Prometheus operator installs it, maybe long after Larder, and may remove it. */
export interface ServiceMonitorKind {
  isServed(): boolean;
  /** Yields `keys` when the kind is installed, so that existing caches get their ServiceMonitors. */
  arrivals(keys: () => Iterable<string>): KeySource;
}

/** `crd` stores whether the CRD is established, if there is one: a single watch for all caches, and no request per cache. */
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
