import { isLarderError } from '../../src/kit/errors.ts';
import {
  createElector,
  type ElectorDeps,
  type ElectorOptions,
} from '../../src/kube/leader-election/elector.ts';
import type { Leadership } from '../../src/kube/leader-election/leadership.ts';

/** A program that leads when it may, and does nothing else. */
export interface Competitor {
  readonly name: string;
  /** What it does its work with; undefined as long as it does none. */
  readonly leadership: Leadership | undefined;
  readonly leads: boolean;
  /** How the program has ended. */
  readonly ended: 'stopped' | 'lost' | 'failed' | undefined;
  /** SIGTERM. Its work takes `workMs` to end, and fails where told to. */
  stop(workMs?: number, outcome?: 'fails'): void;
}

/** Starts one; `onLead` is called whenever its work begins, before it does anything. */
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
