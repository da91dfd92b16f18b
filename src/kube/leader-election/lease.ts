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
  readonly identity: string;
  readonly seconds: number;
  /** A MicroTime for people. It is compared with no other clock. */
  readonly now: string;
}

/** A new Lease. */
export function newLease({ namespace, name }: ObjectKey, tenure: Tenure): Lease {
  const metadata = namespace === undefined ? { name } : { namespace, name };
  return heldLease({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata }, tenure);
}

/** `lease`, taken or renewed by the identity of `tenure`. */
export function heldLease(lease: Lease, { identity, seconds, now }: Tenure): Lease {
  const { holderIdentity, acquireTime, leaseTransitions } = lease.spec ?? {};
  const same = holderIdentity === identity;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: seconds,
      acquireTime: same && acquireTime !== undefined ? acquireTime : now,
      renewTime: now,
      // Like a new Lease, one without a count begins with 0.
      leaseTransitions: leaseTransitions === undefined ? 0 : leaseTransitions + (same ? 0 : 1),
    },
  };
}

/** `lease`, released: the next process to read it may take it at once. */
export function releasedLease(lease: Lease, now: string): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now } };
}
