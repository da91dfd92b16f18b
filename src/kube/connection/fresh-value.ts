import { untilAborted } from '../../kit/abort.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

/** Something read from outside that is read again when it has become old: nobody watches it while nobody asks. */
export interface FreshValue<T> {
  /** At most `maxAgeMs` old. What was read before stays while it cannot be read again; throws when it never could. */
  get(signal: AbortSignal): Promise<T>;
  /** The next caller gets what is read from now on. */
  expire(): void;
}

/** Nothing is read yet. `load` has a limit of its own: it is shared by all who wait, and ends with none of them. */
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
