import type { KubeObject } from '../types.ts';

/**
 * True when `object` is what the server had at `version` or before: a cache that has not yet seen our write. Versions of one resource are
 * integers that grow (Kubernetes 1.35; true of every etcd before); others are only ever equal.
 */
export function isNotAfter(object: KubeObject, version: string | undefined): boolean {
  const seen = object.metadata.resourceVersion;
  if (seen === undefined || version === undefined) return false;
  if (seen === version) return true;
  return INTEGER.test(seen) && INTEGER.test(version) && BigInt(seen) <= BigInt(version);
}

const INTEGER = /^\d+$/;
