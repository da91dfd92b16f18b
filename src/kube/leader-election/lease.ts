import type { KubeObject, ObjectKey, Resource } from '../types.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
export interface Lease extends KubeObject {
  readonly spec?: {
    /** Empty: released. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const LEASES: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface Tenure {
  readonly holder: string;
  readonly seconds: number;
  /** A MicroTime, for people: nobody's clock is compared with it. */
  readonly now: string;
}

/** A Lease that nobody has had before. */
export function newLease({ namespace, name }: ObjectKey, tenure: Tenure): Lease {
  const metadata = namespace === undefined ? { name } : { namespace, name };
  return heldLease({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata }, tenure);
}

/** `lease`, held or renewed by the holder of `tenure`. */
export function heldLease(lease: Lease, { holder, seconds, now }: Tenure): Lease {
  const { holderIdentity, acquireTime, leaseTransitions } = lease.spec ?? {};
  const same = holderIdentity === holder;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: holder,
      leaseDurationSeconds: seconds,
      acquireTime: same && acquireTime !== undefined ? acquireTime : now,
      renewTime: now,
      // An absent count is that of a new Lease, which begins with nought.
      leaseTransitions: leaseTransitions === undefined ? 0 : leaseTransitions + (same ? 0 : 1),
    },
  };
}

/** `lease`, given back: whoever looks next may have it at once. */
export function releasedLease(lease: Lease, now: string): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now } };
}
