import { systemClock, type Clock } from '../../src/kit/clock.ts';

export interface FastClockOptions {
  /** How many of its milliseconds pass in one of the machine's. */
  readonly factor: number;
  /** How far it is ahead of the machine's, wall clock and monotonic alike. */
  readonly skewMs?: number;
}

/** Real time, faster: for programs that wait for minutes, beside servers that cannot be hurried. */
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
