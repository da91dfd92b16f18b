/** The queue against a model that searches a list: which key comes next, after any interleaving of calls and time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareKubeMetrics } from '../metrics.ts';
import { WorkQueue } from './work-queue.ts';

interface Waiting {
  readonly key: string;
  priority: number;
  at: number;
  order: number;
  due: boolean;
}

class Model {
  readonly working = new Set<string>();
  /** Keys handed out, in order. */
  readonly given: string[] = [];
  #waiting: Waiting[] = [];
  #order = 0;
  #getters = 0;
  #now = 0;

  get depth(): number {
    return this.#available().length;
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  addAfter(key: string, ms: number, priority: number): void {
    const at = this.#now + ms;
    const entry = this.#waiting.find((one) => one.key === key);
    if (entry === undefined) this.#waiting.push({ key, priority, at, order: this.#order++, due: false });
    else {
      entry.priority = Math.max(entry.priority, priority);
      if (!entry.due) entry.at = Math.min(entry.at, at);
    }
    this.#settle();
  }

  get(): void {
    this.#getters += 1;
    this.#settle();
  }

  done(key: string): void {
    this.working.delete(key);
    this.#settle();
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = Math.min(...this.#waiting.filter((one) => !one.due).map((one) => one.at));
      if (next > end) break;
      this.#now = Math.max(this.#now, next);
      this.#settle();
    }
    this.#now = end;
  }

  #available(): Waiting[] {
    return this.#waiting
      .filter((one) => one.due && !this.working.has(one.key))
      .sort((a, b) => b.priority - a.priority || a.order - b.order);
  }

  #settle(): void {
    const due = this.#waiting.filter((one) => !one.due && one.at <= this.#now);
    for (const one of due.sort((a, b) => a.at - b.at || a.order - b.order)) {
      one.due = true;
      one.order = this.#order++;
    }
    for (; this.#getters > 0; this.#getters -= 1) {
      const [first] = this.#available();
      if (first === undefined) return;
      this.#waiting = this.#waiting.filter((one) => one !== first);
      this.working.add(first.key);
      this.given.push(first.key);
    }
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const priority = fc.constantFrom(-100, 0, 10);
const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key, priority, ms: fc.constant(0) }),
  fc.record({ do: fc.constant('add' as const), key, priority, ms: fc.nat(50) }),
  fc.record({ do: fc.constant('get' as const) }),
  fc.record({ do: fc.constant('done' as const), key }),
  fc.record({ do: fc.constant('forget' as const), key }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.nat(40) }),
);

test('no key is worked on twice at once, none is lost, and each comes at its priority and time', async () => {
  // One for all runs: each set watches the whole process.
  const metrics = declareKubeMetrics(createMetricsRegistry());
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new ManualClock(0);
      const queue = new WorkQueue({ clock, metrics }, 'model');
      const model = new Model();
      const given: string[] = [];
      const working = new Set<string>();
      const got = (key: string | undefined): void => {
        if (key === undefined) return;
        assert.ok(!working.has(key), `${key} is worked on twice`);
        working.add(key);
        given.push(key);
      };
      const check = async (): Promise<void> => {
        for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
        assert.deepEqual(given, model.given);
        assert.equal(queue.depth, model.depth);
        assert.ok(clock.pending <= 1);
      };
      for (const one of steps) {
        if (one.do === 'add') {
          queue.addAfter(one.key, one.ms, { priority: one.priority });
          model.addAfter(one.key, one.ms, one.priority);
        } else if (one.do === 'get') {
          void queue.get().then(got);
          model.get();
        } else if (one.do === 'done') {
          working.delete(one.key);
          queue.done(one.key);
          model.done(one.key);
        } else if (one.do === 'advance') {
          clock.advance(one.ms);
          model.advance(one.ms);
        } else {
          queue.forget(one.key);
        }
        await check();
      }
      clock.advance(1000);
      model.advance(1000);
      for (let turn = 0; turn < 10 && !model.empty; turn += 1) {
        for (const key of working) {
          working.delete(key);
          queue.done(key);
          model.done(key);
        }
        void queue.get().then(got);
        model.get();
        await check();
      }
      assert.ok(model.empty);
      assert.equal(queue.depth, 0);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});
