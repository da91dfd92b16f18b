import { isLarderError } from '../../src/kit/errors.ts';
import {
  createElector,
  type ElectorDeps,
  type ElectorOptions,
} from '../../src/kube/leader-election/elector.ts';
import type { Leadership } from '../../src/kube/leader-election/leadership.ts';

/** A program that leads if it may, and does nothing else. */
export interface Competitor {
  readonly name: string;
  /** Leadership of its current work. Undefined without work. */
  readonly leadership: Leadership | undefined;
  readonly leads: boolean;
  /** Outcome of the program. */
  readonly ended: 'stopped' | 'lost' | 'failed' | undefined;
  /** SIGTERM. The work takes `workMs` to end, and fails on demand. */
  stop(workMs?: number, outcome?: 'fails'): void;
}

/** Starts a competitor. `onLead` is called whenever its work begins, before it does anything. */
export function startCompeting(
  deps: ElectorDeps,
  options: ElectorOptions,
  onLead: () => void = () => {},
): Competitor {
  const stopping = new AbortController();
  let workMs = 0;
  let fails = false;
  let leadership: Leadership | undefined;
  let ended: Competitor['ended'];

  const work = async (given: Leadership): Promise<void> => {
    onLead();
    leadership = given;
    await new Promise<void>((resolve) => {
      const finish = (): void => void deps.clock.after(workMs, resolve);
      if (stopping.signal.aborted) finish();
      stopping.signal.addEventListener('abort', finish, { once: true });
      given.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    leadership = undefined;
    if (fails) throw new Error('the work has failed');
  };
  void createElector(deps, options)
    .lead(work, stopping.signal)
    .then(
      () => (ended = 'stopped'),
      (error: unknown) => {
        ended = isLarderError(error, 'LEADERSHIP_LOST') ? 'lost' : 'failed';
      },
    );

  return {
    name: options.identity,
    get leadership() {
      return leadership;
    },
    get leads() {
      return leadership !== undefined && !leadership.signal.aborted;
    },
    get ended() {
      return ended;
    },
    stop(ms = 0, outcome) {
      workMs = ms;
      fails = outcome === 'fails';
      stopping.abort(new Error('SIGTERM'));
    },
  };
}
