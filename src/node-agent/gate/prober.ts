import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { HealthGate } from './health-gate.ts';

/** Between two probes. While the gate is open, answers to relayed requests stand in for probes. */
const PAUSE_MS = { open: 5_000, suspect: 250, closed: 1_000 };

export interface Prober {
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the first probe has ended, well or not. */
  readonly firstProbe: Promise<void>;
  /** Something looks wrong: probe now. */
  probeNow(): void;
}

/** Asks the cache now and then whether it answers, and tells the gate. `probe` rejects when it does not. */
export function createProber(
  clock: Clock,
  gate: HealthGate,
  probe: (signal: AbortSignal) => Promise<void>,
): Prober {
  let waiting: AbortController | undefined;
  let isUrgent = false;
  const first = Promise.withResolvers<void>();

  return {
    firstProbe: first.promise,
    async run(signal) {
      while (!signal.aborted) {
        if (isUrgent || gate.state !== 'open' || gate.silentMs >= PAUSE_MS.open) {
          isUrgent = false;
          await ask(signal);
          first.resolve();
        }
        await pause(signal);
      }
    },
    probeNow() {
      isUrgent = true;
      waiting?.abort();
    },
  };

  async function ask(signal: AbortSignal): Promise<void> {
    const attempt = gate.attempt();
    try {
      await probe(signal);
      attempt.succeeded();
    } catch (error) {
      if (!signal.aborted) attempt.failed(errorText(error));
    }
  }

  async function pause(signal: AbortSignal): Promise<void> {
    if (isUrgent) return;
    waiting = new AbortController();
    try {
      await sleep(clock, PAUSE_MS[gate.state], AbortSignal.any([signal, waiting.signal]));
    } catch {
      // Stopped, or in a hurry: the loop looks at both.
    } finally {
      waiting = undefined;
    }
  }
}
