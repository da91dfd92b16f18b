import { LarderError } from '../../kit/errors.ts';
import type { Leading } from '../controller/controller.ts';
import type { ObjectKey } from '../types.ts';
import { createElector, type ElectorDeps } from './elector.ts';
import type { Leadership } from './leadership.ts';

/** Work that only the leader among replicas may do. */
export interface LedWork {
  /** Throws `LEADERSHIP_LOST` unless this process leads. Clients of the work call it before each write. */
  readonly assertLeading: () => void;
  /** Runs `work` while this process leads, as an elector does. Without a lease every process leads, from the start. */
  lead(work: (leading: Leading) => Promise<void>, stop: AbortSignal): Promise<void>;
}

export interface LedWorkOptions {
  /** Undefined: this process leads without a lease. */
  readonly lease: ObjectKey | undefined;
  /** Unique to this process; a restarted process has another. */
  readonly identity: string;
}

/** Joins an elector with the guard of the writes that it allows. */
export function createLedWork(deps: ElectorDeps, { lease, identity }: LedWorkOptions): LedWork {
  let leadership: Leadership | undefined;
  if (lease === undefined) {
    const leading = { signal: new AbortController().signal, isLive: () => true };
    return { assertLeading() {}, lead: (work) => work(leading) };
  }
  const elector = createElector(deps, { lease, identity });
  return {
    assertLeading() {
      if (leadership === undefined)
        throw new LarderError('LEADERSHIP_LOST', 'this process does not lead yet');
      leadership.assertLive();
    },
    lead: (work, stop) =>
      elector.lead((now) => {
        leadership = now;
        return work(now);
      }, stop),
  };
}
