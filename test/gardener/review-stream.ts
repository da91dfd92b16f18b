import { setTimeout as pause } from 'node:timers/promises';
import { sendReview, type SentReview } from './lab-review.ts';
import type { WebhookLab } from './lab-program.ts';
import { registeredBundle } from './start-up-case.ts';

/** Reviews that are sent to replicas one after the other, until the stream is stopped. */
export interface ReviewStream {
  readonly answered: number;
  /** Reviews without an answer, each with its reason. */
  readonly failures: readonly string[];
  /** Replicas that are asked from now on. */
  ask(ports: readonly number[]): void;
  stop(): Promise<void>;
}

const EVERY_MS = 100;

/** Starts a stream to the replicas at these ports. Certificates are checked with the bundle that is registered last. */
export function startReviews(lab: WebhookLab, review: SentReview, first: readonly number[]): ReviewStream {
  const failures: string[] = [];
  let ports = first;
  let answered = 0;
  const stopping = new AbortController();
  let ca = '';

  async function ask(port: number): Promise<void> {
    try {
      await sendReview(lab, port, ca, review);
      answered += 1;
    } catch (error) {
      if (ports.includes(port)) failures.push(`${port}: ${String(error)}`);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // While nothing is registered, no API server asks. The former bundle is a stricter judge than none.
      ca = (await registeredBundle(lab)) || ca;
      if (ca !== '') for (const port of ports) await ask(port);
      await pause(EVERY_MS);
    }
  }

  const running = run();
  return {
    get answered() {
      return answered;
    },
    failures,
    ask(next) {
      ports = next;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
