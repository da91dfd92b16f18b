import { sleep, type Clock } from './clock.ts';

/** True as soon as `work` has ended, however it ended; false when it has not after `ms`. */
export async function endsWithin(clock: Clock, work: Promise<unknown>, ms: number): Promise<boolean> {
  const limit = new AbortController();
  const late = sleep(clock, ms, limit.signal).then(
    () => false,
    () => false,
  );
  const ended = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([ended, late]);
  limit.abort();
  return inTime;
}
