import { systemClock, type Clock } from '../../src/kit/clock.ts';

export interface ScaledClockOptions {
  /** Milliseconds of this clock per millisecond of the machine's. */
  readonly factor: number;
  /** Lead over the machine's clock, wall clock and monotonic alike. */
  readonly skewMs?: number;
}

/**
 * Real time at another speed: faster for programs that wait for minutes beside real servers, slower on a machine that is slow itself.
 */
export function createScaledClock({ factor, skewMs = 0 }: ScaledClockOptions): Clock {
  const begin = systemClock.now();
  const monotonicBegin = systemClock.monotonic();
  const passed = (): number => (systemClock.monotonic() - monotonicBegin) * factor;
  return {
    now: () => begin + skewMs + passed(),
    monotonic: () => monotonicBegin + skewMs + passed(),
    after: (ms, callback) => systemClock.after(ms / factor, callback),
  };
}
