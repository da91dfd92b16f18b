import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

/** A value from outside that is read again once it is old. Without callers it is not read. */
export interface FreshValue<T> {
  /** The value, at most `maxAgeMs` old. The previous value stays if it cannot be read again. Throws if it could never be read. */
  get(signal: AbortSignal): Promise<T>;
  /** Makes the next call read again. */
  expire(): void;
}

/** Reads nothing yet. All waiting callers share one `load`, so `load` needs a time limit of its own and ends with none of them. */
export function createFreshValue<T>(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  load: () => Promise<T>,
  maxAgeMs: number,
): FreshValue<T> {
  let known: { readonly value: T } | undefined;
  let oldAt = -Infinity;
  let loading: Promise<T> | undefined;

  async function read(): Promise<T> {
    try {
      known = { value: await load() };
    } catch (error) {
      if (known === undefined) throw error;
      logger.warn('reading again failed, the previous value stays in force', { error: errorText(error) });
    }
    oldAt = clock.monotonic() + maxAgeMs;
    return known.value;
  }

  return {
    async get(signal) {
      if (known !== undefined && clock.monotonic() < oldAt) return known.value;
      loading ??= read().finally(() => (loading = undefined));
      return await untilAborted(loading, signal);
    },
    expire() {
      oldAt = -Infinity;
    },
  };
}
