import type { Clock } from '../../kit/clock.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../kube-error.ts';
import { microTime } from '../time.ts';
import type { KubeClient, ObjectKey } from '../types.ts';
import { heldLease, LEASES, newLease, releasedLease, type Lease, type Tenure } from './lease.ts';

export interface LeaseLockDeps {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
}

export interface LeaseLockOptions {
  readonly lease: ObjectKey;
  readonly identity: string;
  readonly leaseMs: number;
}

/** `ours` until it expires; `theirs`: another process holds it; `unsure`: another process changed it in between. */
export type HoldOutcome = 'ours' | 'theirs' | 'unsure';

/** A Lease as a lock. Calls must not overlap. */
export interface LeaseLock {
  /** Renews the Lease, or takes it if it is free or expired. Throws if the API server does not answer. */
  hold(signal: AbortSignal): Promise<HoldOutcome>;
  /** Releases the Lease if it is ours. */
  release(signal: AbortSignal): Promise<void>;
}

/**
 * Creates a {@link LeaseLock}. Only our monotonic clock decides that another process's lease has expired: nothing in the Lease has changed
 * for its duration, counted from when we saw the last change. Every write has the version that was read as its precondition.
 */
export function createLeaseLock({ client, clock }: LeaseLockDeps, options: LeaseLockOptions): LeaseLock {
  const { lease: key, identity, leaseMs } = options;
  let seen: { readonly lease: Lease; readonly spec: string; readonly changedAt: number } | undefined;
  /** Our last write, which can be renewed without reading it first. */
  let written: Lease | undefined;

  function see(lease: Lease): void {
    const spec = JSON.stringify(lease.spec ?? {});
    seen = { lease, spec, changedAt: spec === seen?.spec ? seen.changedAt : clock.monotonic() };
  }

  function isTheirs(): boolean {
    if (seen === undefined) return false;
    const { holderIdentity = '', leaseDurationSeconds = leaseMs / 1000 } = seen.lease.spec ?? {};
    if (holderIdentity === '' || holderIdentity === identity) return false;
    return clock.monotonic() < seen.changedAt + leaseDurationSeconds * 1000;
  }

  function tenure(): Tenure {
    return { identity, seconds: leaseMs / 1000, now: microTime(clock.now()) };
  }

  async function read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const lease = await client.get(LEASES, key, { signal });
      see(lease);
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** True if the server accepted the write. */
  async function write(lease: Lease, signal: AbortSignal): Promise<boolean> {
    written = undefined;
    try {
      const isNew = lease.metadata.resourceVersion === undefined;
      written = await (isNew
        ? client.create(LEASES, lease, { signal })
        : client.replace(LEASES, lease, { signal }));
      see(written);
      return true;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
      throw error;
    }
  }

  return {
    async hold(signal) {
      if (written !== undefined && (await write(heldLease(written, tenure()), signal))) return 'ours';
      const lease = await read(signal);
      // Checked also for a deleted Lease: its leader does not know of the deletion yet.
      if (isTheirs()) return 'theirs';
      const next = lease === undefined ? newLease(key, tenure()) : heldLease(lease, tenure());
      return (await write(next, signal)) ? 'ours' : 'unsure';
    },
    async release(signal) {
      const lease = await read(signal);
      if (lease?.spec?.holderIdentity !== identity) return;
      await write(releasedLease(lease, microTime(clock.now())), signal);
      written = undefined;
    },
  };
}
