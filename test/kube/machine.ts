import type { Clock, ManualClock } from '../../src/kit/clock.ts';
import { KubeError } from '../../src/kube/kube-error.ts';

export type Network =
  /** Requests and answers arrive after `latencyMs`. */
  | 'up'
  /** All traffic is lost silently. */
  | 'lost'
  /** Connections are refused. */
  | 'refused';

/** A computer with its own clocks and one event loop, in a world whose time the test moves. */
export interface Machine {
  readonly clock: Clock;
  /** For the `network` of a client. */
  readonly travel: () => Promise<void>;
  network: Network;
  latencyMs: number;
  /** Blocks the event loop for `ms` from now: timers fire and answers are seen late. */
  block(ms: number): void;
  readonly isBlocked: boolean;
}

/** `skewMs`: error of its clocks, wall clock and monotonic alike. */
export function createMachine(world: ManualClock, skewMs = 0): Machine {
  let blockedUntil = -Infinity;

  const clock: Clock = {
    now: () => world.now() + skewMs,
    monotonic: () => world.monotonic() + skewMs / 2,
    after(ms, callback) {
      let cancel = world.after(ms, fire);
      function fire(): void {
        const left = blockedUntil - world.monotonic();
        if (left > 0) cancel = world.after(left, fire);
        else callback();
      }
      return () => cancel();
    },
  };

  const machine: Machine = {
    clock,
    network: 'up',
    latencyMs: 0,
    get isBlocked() {
      return world.monotonic() < blockedUntil;
    },
    block(ms) {
      blockedUntil = Math.max(blockedUntil, world.monotonic() + ms);
    },
    async travel() {
      if (machine.network === 'lost') await new Promise(() => {});
      if (machine.network === 'refused')
        throw new KubeError('connection refused', { httpStatus: undefined, reason: 'Unreachable' });
      if (machine.latencyMs > 0 || machine.isBlocked)
        await new Promise<void>((resolve) => clock.after(machine.latencyMs, resolve));
    },
  };
  return machine;
}
