/** What the API stand-in, and the proxy in front of a real API server, do wrong, and to whom. */

export type Fault =
  /** Answered with this status, and with `Retry-After` if told. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfter?: number;
    }
  /** The connection ends instead of an answer. */
  | { readonly kind: 'reset' }
  /** No answer at all. */
  | { readonly kind: 'hang' }
  /** An answer that is no JSON. */
  | { readonly kind: 'text'; readonly text: string }
  /** Watches, behind the proxy every answer: the connection breaks after so many bytes, in the middle of a line if it comes so. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Likewise: a proper end after so many bytes. */
  | { readonly kind: 'end'; readonly afterBytes: number }
  /** Likewise: after so many bytes nothing comes any more, not even an end. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Watches: a line that is half of one. */
  | { readonly kind: 'half-line' }
  /** Watches: 410 as an event. */
  | { readonly kind: 'expired-event' }
  /** Watches: begins with the last so many changes again, whatever version was asked for, oldest first or jumbled. */
  | { readonly kind: 'replay'; readonly count: number; readonly isJumbled?: boolean }
  /** Watches: every event twice. */
  | { readonly kind: 'twice' }
  /** Streaming lists: their end is not told. */
  | { readonly kind: 'no-initial-end' };

/** All but what takes a history of the server's own: what a proxy in front of one can do. */
export type ProxyFault = Exclude<Fault, { readonly kind: 'replay' }>;

/** What {@link Fault} `half-line` sends. */
export const HALF_LINE = '{"type":"ADDED","object":{"metad\n';

export interface FaultRule<F extends Fault = Fault> {
  readonly fault: F;
  /** By verb: `get`, `list`, `watch`, `create`, ...; undefined: every one. */
  readonly verb?: string;
  /** How many requests meet it; 1 unless told. */
  readonly times?: number;
}

/** For requests whose path ends so: `/configmaps/larder-nodes`. */
export interface PlacedFaultRule<F extends Fault = Fault> extends FaultRule<F> {
  readonly path?: string;
}

/** Rules in the order in which they were added; each request meets the first that fits. */
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
