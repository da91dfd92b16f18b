import { systemClock, type Clock } from '../../src/kit/clock.ts';

export interface FastClockOptions {
  /** Milliseconds of this clock per millisecond of the machine's. */
  readonly factor: number;
  /** Lead over the machine's clock, wall clock and monotonic alike. */
  readonly skewMs?: number;
}

/** Faster real time, for programs that wait for minutes beside real servers. */
export function createFastClock({ factor, skewMs = 0 }: FastClockOptions): Clock {
  const begin = systemClock.now();
  const monotonicBegin = systemClock.monotonic();
  const passed = (): number => (systemClock.monotonic() - monotonicBegin) * factor;
  return {
    now: () => begin + skewMs + passed(),
    monotonic: () => monotonicBegin + skewMs + passed(),
    after: (ms, callback) => systemClock.after(ms / factor, callback),
  };
}
