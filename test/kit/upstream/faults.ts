/** Faults of the upstream: the requests that they hit, and their effects on the answer. */
import { gate, waitFor } from '../wait.ts';
import { fits, type RequestFilter, type RequestRecord } from './request-log.ts';

/** The effects of a fault. Effects combine; the younger of two faults with the same effect wins. Counts are in bytes. */
export interface FaultEffects {
  /** Sends nothing until the handle is released. */
  readonly hold?: boolean;
  /** Waits this long before the headers. Prefer `hold` where the test can say when. */
  readonly delayMs?: number;
  /** Closes the connection instead of answering. */
  readonly drop?: 'fin' | 'rst';

  /** Answers with this status and an error body instead of the content. */
  readonly status?: number;
  /** Seconds, or an HTTP date, for `Retry-After`. */
  readonly retryAfter?: number | string;
  /** Body of the answer: `json` (default for `status`: the distribution-spec form), `plain`, or exactly this text. */
  readonly body?: 'json' | 'plain' | { readonly text: string; readonly contentType?: string };
  /** Headers to set; null removes one. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;

  /** Stops sending when this many body bytes of the response are out, until the handle is released. */
  readonly pauseAfter?: number;
  /**
   * Ends the connection when this many body bytes of the response are out, if more would follow. It hits every matching
   * response, so a client that resumes is cut after every N bytes.
   */
  readonly cutAfter?: number;
  /** The end of the connection after `cutAfter`; `fin` by default. With `rst` bytes that the client has not read may be lost. */
  readonly cutBy?: 'fin' | 'rst';
  readonly bytesPerSecond?: number;
  /** Inverts the byte at this offset of the content, when the response contains it. */
  readonly flipByteAt?: number;

  /** Announces this `Content-Length`, sends the true body, closes the connection. */
  readonly contentLength?: number;
  /** Sends the body chunked, without `Content-Length`. */
  readonly chunked?: boolean;
  /** A false `Docker-Content-Digest`, or none. */
  readonly digestHeader?: 'omit' | { readonly value: string };
  /**
   * `ignore`: 200 with everything. `refuse`: 416. `mislabel`: 206 with the right bytes and a `Content-Range` that begins
   * one byte later. `shift`: 206 labelled right, with bytes from the beginning of the content.
   */
  readonly range?: 'ignore' | 'refuse' | 'mislabel' | 'shift';
}

export interface FaultOptions extends FaultEffects {
  /** The requests to hit; all by default. */
  readonly match?: RequestFilter;
  /** Hit from the n-th matching request on (1 is the first), once unless `times` says more. */
  readonly nth?: number;
  /** Number of requests to hit; without `nth` and `times` all of them. */
  readonly times?: number;
}

export interface FaultHandle extends Disposable {
  /** Number of requests hit so far. */
  readonly hits: number;
  /** Number of requests that wait at `hold` or `pauseAfter` now. */
  readonly waiting: number;
  /**
   * Resolves once `count` requests (1 by default) were hit and, with `hold` or `pauseAfter`, wait there.
   * Fails after `limitMs` (10 000).
   */
  reached(count?: number, limitMs?: number): Promise<void>;
  /** Releases the requests that wait at `hold` or `pauseAfter`, and all later ones. */
  release(): void;
  /** Removes the fault and releases its requests. */
  remove(): void;
}

export interface Faults {
  add(fault: FaultOptions): FaultHandle;
  /** Removes all faults and releases their requests. */
  clear(): void;
}

/** A request's share of the faults. */
export interface FaultPlan extends FaultEffects {
  /** Waits at `hold` or `pauseAfter` until released; at once when no fault says so. `gone` ends the wait. */
  stand(at: 'hold' | 'pauseAfter', gone: AbortSignal): Promise<void>;
}

/** A list of faults. `take` gives the plan for a request, and counts it as hit. */
export function createFaults(): Faults & { take(request: RequestRecord): FaultPlan } {
  let rules: Rule[] = [];
  return {
    add(options) {
      const rule = createRule(options, () => {
        rules = rules.filter((other) => other !== rule);
      });
      rules.push(rule);
      return rule.handle;
    },
    clear() {
      for (const rule of rules) rule.handle.release();
      rules = [];
    },
    take(request) {
      const hit = rules.filter((rule) => rule.hits(request));
      const effects: FaultEffects = Object.assign({}, ...hit.map((rule) => rule.effects));
      return {
        ...effects,
        async stand(at, gone) {
          await Promise.all(hit.map((rule) => rule.stand(at, gone)));
        },
      };
    },
  };
}

interface Rule {
  readonly handle: FaultHandle;
  readonly effects: FaultEffects;
  hits(request: RequestRecord): boolean;
  stand(at: 'hold' | 'pauseAfter', gone: AbortSignal): Promise<void>;
}

function createRule(options: FaultOptions, remove: () => void): Rule {
  const { match = {}, nth, times, ...effects } = options;
  const first = nth ?? 1;
  const last = first + (times ?? (nth === undefined ? Infinity : 1)) - 1;
  const stands = effects.hold === true || effects.pauseAfter !== undefined;
  const door = gate();
  let matching = 0;
  let hits = 0;
  let arrived = 0;
  let waiting = 0;

  const handle: FaultHandle = {
    get hits() {
      return hits;
    },
    get waiting() {
      return waiting;
    },
    async reached(count = 1, limitMs = 10_000) {
      const what = `${count} request(s) to reach the fault ${JSON.stringify(options)}`;
      await waitFor(() => (stands ? arrived : hits) >= count, { limitMs, everyMs: 1, what });
    },
    release: () => door.open(),
    remove() {
      door.open();
      remove();
    },
    [Symbol.dispose]() {
      handle.remove();
    },
  };

  return {
    handle,
    effects,
    hits(request) {
      if (!fits(request, match)) return false;
      matching += 1;
      if (matching < first || matching > last) return false;
      hits += 1;
      return true;
    },
    async stand(at, gone) {
      if (effects[at] === undefined || effects[at] === false) return;
      arrived += 1;
      if (door.isOpen || gone.aborted) return;
      waiting += 1;
      await Promise.race([door.passed, aborted(gone)]);
      waiting -= 1;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
