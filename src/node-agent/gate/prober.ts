import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { HealthGate } from './health-gate.ts';

/** Pause between two probes. While the gate is open, answers to relayed requests count as probes. */
const PAUSE_MS = { open: 5_000, suspect: 250, closed: 1_000 };

export interface Prober {
  /** Probes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the first probe has ended, successful or not. */
  readonly firstProbe: Promise<void>;
  /** Probes at once, because a request looks wrong. */
  probeNow(): void;
}

/** Probes the cache regularly and reports the outcome to the gate. `probe` rejects if the cache does not answer. */
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
      // Aborted by the stop or by `probeNow`: the loop checks both.
    } finally {
      waiting = undefined;
    }
  }
}
