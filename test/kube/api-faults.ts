/** Faults of the API stand-in and of the proxy in front of a real API server, and the requests they affect. */

export type Fault =
  /** Answers with this status, and with `Retry-After` if given. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfter?: number;
    }
  /** Ends the connection instead of an answer. */
  | { readonly kind: 'reset' }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Answers with text that is not JSON. */
  | { readonly kind: 'text'; readonly text: string }
  /** Watches, and behind the proxy every answer: breaks the connection after this many bytes, possibly within a line. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The same with a regular end after this many bytes. */
  | { readonly kind: 'end'; readonly afterBytes: number }
  /** The same with silence after this many bytes, without an end. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Watches: sends half a line. */
  | { readonly kind: 'half-line' }
  /** Watches: sends 410 as an event. */
  | { readonly kind: 'expired-event' }
  /** Watches: first repeats this many of the last changes, whatever version was requested, oldest first or jumbled. */
  | { readonly kind: 'replay'; readonly count: number; readonly isJumbled?: boolean }
  /** Watches: sends every event twice. */
  | { readonly kind: 'twice' }
  /** Streaming lists: leaves out their end. */
  | { readonly kind: 'no-initial-end' };

/** Faults that a proxy can make: all that need no history of the server's own. */
export type ProxyFault = Exclude<Fault, { readonly kind: 'replay' }>;

/** Line sent by {@link Fault} `half-line`. */
export const HALF_LINE = '{"type":"ADDED","object":{"metad\n';

export interface FaultRule<F extends Fault = Fault> {
  readonly fault: F;
  /** Verb to affect: `get`, `list`, `watch`, `create`, ...; undefined: every one. */
  readonly verb?: string;
  /** Number of requests to affect; 1 by default. */
  readonly times?: number;
}

/** Affects only requests whose path ends so: `/configmaps/larder-nodes`. */
export interface PlacedFaultRule<F extends Fault = Fault> extends FaultRule<F> {
  readonly path?: string;
}

/** Rules in the order of adding. Each request meets the first that fits. */
export class FaultPlan<F extends Fault = Fault> {
  #rules: { readonly rule: PlacedFaultRule<F>; left: number }[] = [];

  add(...rules: readonly PlacedFaultRule<F>[]): void {
    this.#rules.push(...rules.map((rule) => ({ rule, left: rule.times ?? 1 })));
  }

  clear(): void {
    this.#rules = [];
  }

  get left(): number {
    return this.#rules.length;
  }

  take(verb: string, path = ''): F | undefined {
    const found = this.#rules.find(
      ({ rule }) => (rule.verb ?? verb) === verb && path.endsWith(rule.path ?? ''),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#rules = this.#rules.filter((other) => other !== found);
    return found.rule.fault;
  }
}
