import type { Clock } from '../../kit/clock.ts';
import type { KubeMetrics } from '../metrics.ts';
import { createAlarm, type Alarm } from './alarm.ts';
import { Heap, type HeapItem } from './heap.ts';
import { createQueueMetrics, type QueueMetrics } from './queue-metrics.ts';
import { createRetryDelays, type RetryDelays } from './retry-delays.ts';

export interface AddOptions {
  /** Higher goes first; 0 by default. */
  readonly priority?: number;
}

export interface WorkQueueDeps {
  readonly clock: Clock;
  readonly metrics: KubeMetrics;
}

/**
 * Keys that wait for work. A key is in the queue at most once, with the highest of its priorities and the earliest of its times. It is
 * never handed out while it is being worked on; if it is added meanwhile, it is handed out after `done`. Within a priority the order is
 * first come, first served.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics;
  readonly #delays: RetryDelays;
  readonly #alarm: Alarm;
  readonly #entries = new Map<string, Entry>();
  readonly #later = new Heap<Entry>((a, b) =>
    a.readyAt === b.readyAt ? a.order < b.order : a.readyAt < b.readyAt,
  );
  readonly #ready = new Heap<Entry>((a, b) =>
    a.priority === b.priority ? a.order < b.order : a.priority > b.priority,
  );
  readonly #working = new Map<string, { readonly priority: number; readonly since: number }>();
  readonly #waiting = new Set<(key: string | undefined) => void>();
  #order = 0;
  #closed = false;

  /** `name`: the controller's, for metrics. */
  constructor({ clock, metrics }: WorkQueueDeps, name: string) {
    this.#clock = clock;
    this.#metrics = createQueueMetrics(metrics, name);
    this.#delays = createRetryDelays(clock);
    this.#alarm = createAlarm(clock, () => this.#settle());
  }

  /** Keys that could be handed out now. */
  get depth(): number {
    return this.#ready.size;
  }

  add(key: string, options: AddOptions = {}): void {
    this.addAfter(key, 0, options);
  }

  /** Adds `key` in `ms`, however long that is. */
  addAfter(key: string, ms: number, { priority = 0 }: AddOptions = {}): void {
    if (this.#closed) return;
    const readyAt = this.#clock.monotonic() + Math.max(0, ms);
    const before = this.#entries.get(key);
    if (before === undefined) {
      const entry: Entry = { key, priority, readyAt, order: this.#order++, state: 'later', position: -1 };
      this.#entries.set(key, entry);
      this.#later.push(entry);
    } else {
      this.#raise(before, priority, readyAt);
    }
    this.#settle();
  }

  /** Adds `key` again after a failure, in 5 ms, doubled from failure to failure, with its current priority. */
  retry(key: string): void {
    const priority = this.#working.get(key)?.priority ?? 0;
    this.#metrics.retried();
    this.addAfter(key, this.#delays.next(key), { priority });
  }

  /** Makes the next failure of `key` its first. */
  forget(key: string): void {
    this.#delays.forget(key);
  }

  /** Failures of `key` since it was forgotten. */
  failures(key: string): number {
    return this.#delays.failures(key);
  }

  /** Resolves with the next key, or with undefined once the queue is closed. The caller reports the end of its work with `done`. */
  get(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#settle();
    });
  }

  /** Ends the work on `key`, whatever its outcome. */
  done(key: string): void {
    const work = this.#working.get(key);
    if (work === undefined) return;
    this.#working.delete(key);
    this.#metrics.worked(this.#clock.monotonic() - work.since);
    const entry = this.#entries.get(key);
    if (entry?.state === 'held') this.#makeReady(entry);
    this.#settle();
  }

  /** Hands out nothing more and drops all waiting keys. */
  close(): void {
    this.#closed = true;
    this.#alarm.set(undefined);
    this.#entries.clear();
    for (const heap of [this.#later, this.#ready]) while (heap.pop() !== undefined);
    for (const resolve of this.#waiting) resolve(undefined);
    this.#waiting.clear();
    this.#metrics.depth(0);
  }

  #raise(entry: Entry, priority: number, readyAt: number): void {
    const heap = entry.state === 'later' ? this.#later : this.#ready;
    if (entry.position !== -1) heap.remove(entry);
    entry.priority = Math.max(entry.priority, priority);
    if (entry.state === 'later') entry.readyAt = Math.min(entry.readyAt, readyAt);
    if (entry.state !== 'held') heap.push(entry);
  }

  /** Moves due keys to the ready ones, ready keys to waiting callers, and the alarm to the next time. */
  #settle(): void {
    const now = this.#clock.monotonic();
    for (
      let first = this.#later.first;
      first !== undefined && first.readyAt <= now;
      first = this.#later.first
    ) {
      this.#later.remove(first);
      this.#metrics.added();
      first.order = this.#order++;
      if (this.#working.has(first.key)) first.state = 'held';
      else this.#makeReady(first);
    }
    for (const resolve of this.#waiting) {
      const entry = this.#ready.pop();
      if (entry === undefined) break;
      this.#waiting.delete(resolve);
      this.#entries.delete(entry.key);
      this.#working.set(entry.key, { priority: entry.priority, since: now });
      this.#metrics.taken(now - entry.readyAt);
      resolve(entry.key);
    }
    this.#metrics.depth(this.#ready.size);
    this.#alarm.set(this.#later.first?.readyAt);
  }

  #makeReady(entry: Entry): void {
    entry.state = 'ready';
    this.#ready.push(entry);
  }
}

/** A waiting key: for its time, for a worker, or for the current work on it to end. */
interface Entry extends HeapItem {
  readonly key: string;
  priority: number;
  readyAt: number;
  /** Order of adding, then of coming due; grows. */
  order: number;
  state: 'later' | 'ready' | 'held';
}
