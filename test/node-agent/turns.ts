/** Takes turns between agents that run at the same time: one step of one of them, then the next one. */
import { setImmediate as turn } from 'node:timers/promises';
import { withPauses } from './paused-files.ts';

/** An agent in a round. */
export interface Racer {
  readonly name: string;
  /** Begins anew at each call, as after a start of the agent. */
  readonly work: () => Promise<void>;
  /** Numbers of steps after which the agent is killed and started anew, one after the other. */
  readonly crashes: readonly number[];
}

/** Looks at the disk between two steps. */
export type Look = (running: ReadonlySet<string>) => void;

/**
 * Runs all racers to their end. `choices` decide whose step is next; they are taken again from the beginning. A killed agent takes no further step,
 * and what it has written stays.
 */
export async function race(racers: readonly Racer[], choices: readonly number[], look: Look): Promise<void> {
  const runs = racers.map((racer) => start(racer));
  for (let at = 0; ; at += 1) {
    await settle(runs);
    const waiting = runs.filter((run) => run.waiting.length > 0);
    const running = new Set(runs.filter((run) => !run.hasEnded).map((run) => run.name));
    look(running);
    for (const { problem } of runs) if (problem !== undefined) throw problem;
    if (running.size === 0) return;
    const run = waiting[(choices[at % choices.length] ?? 0) % waiting.length];
    if (run === undefined) continue;
    const steps = run.crashes[0];
    if (steps !== undefined && run.steps >= steps) run.restart();
    else run.step();
  }
}

interface Run {
  readonly name: string;
  readonly waiting: (() => void)[];
  crashes: readonly number[];
  steps: number;
  hasEnded: boolean;
  problem: unknown;
  step(): void;
  restart(): void;
}

function start({ name, work, crashes }: Racer): Run {
  let life = 0;
  const begin = (): void => {
    const own = (life += 1);
    run.waiting.length = 0;
    run.steps = 0;
    const pause = (): Promise<void> =>
      new Promise((resolve) => {
        // One of an earlier life waits for ever.
        if (own === life) run.waiting.push(resolve);
      });
    withPauses(pause, work).then(
      () => {
        if (own === life) run.hasEnded = true;
      },
      (error: unknown) => {
        if (own !== life) return;
        run.hasEnded = true;
        run.problem = error;
      },
    );
  };
  const run: Run = {
    name,
    waiting: [],
    crashes,
    steps: 0,
    hasEnded: false,
    problem: undefined,
    step() {
      run.steps += 1;
      run.waiting.shift()?.();
    },
    restart() {
      run.crashes = run.crashes.slice(1);
      begin();
    },
  };
  begin();
  return run;
}

/** Waits until each agent waits for its turn or has ended. One step at the disk runs at a time, so that takes only as long as that step. */
async function settle(runs: readonly Run[]): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    await turn();
    quiet = runs.every((run) => run.hasEnded || run.waiting.length > 0) ? quiet + 1 : 0;
  }
}
