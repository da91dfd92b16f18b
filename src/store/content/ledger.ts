import type { ContentTotals } from '../index/content-index.ts';

/** Subject of a limit: one upstream's content by name, or (undefined) the whole store. */
export type Scope = string | undefined;

interface Account {
  content: number;
  objects: number;
  /** Bytes reserved by running fills and taken by partial bodies. */
  reserved: number;
}

/**
 * Bytes used by the whole store and by each upstream. The whole store counts each content once, and fills, quarantine and index. An
 * upstream counts the content that it delivered, shared or not, and its fills. Only arithmetic: nothing here touches the disk.
 */
export class Ledger {
  readonly limitBytes: number;
  readonly #onChange: (bytes: number) => void;
  readonly #whole = newAccount();
  readonly #upstreams = new Map<string, Account>();
  #limits: ReadonlyMap<string, number> = new Map();
  #index = 0;
  #quarantine = 0;

  constructor(limitBytes: number, onChange: (bytes: number) => void) {
    this.limitBytes = limitBytes;
    this.#onChange = onChange;
  }

  /** Bytes of the whole store: content, fills, quarantine, index. */
  get bytes(): number {
    return this.#whole.content + this.#whole.reserved + this.#quarantine + this.#index;
  }

  get objects(): number {
    return this.#whole.objects;
  }

  /** The lowest of all limits, in bytes. */
  get smallestLimit(): number {
    return Math.min(this.limitBytes, ...this.#limits.values());
  }

  setLimits(limits: ReadonlyMap<string, number>): void {
    this.#limits = limits;
  }

  limitOf(scope: Scope): number | undefined {
    return scope === undefined ? this.limitBytes : this.#limits.get(scope);
  }

  /** Bytes that count against the limit of `scope`. */
  usedBy(scope: Scope): number {
    if (scope === undefined) return this.bytes;
    const account = this.#upstreams.get(scope);
    return account === undefined ? 0 : account.content + account.reserved;
  }

  /** Bytes of {@link Ledger.usedBy} that eviction could free at most. Content that is open counts too. */
  contentOf(scope: Scope): number {
    return scope === undefined ? this.#whole.content : (this.#upstreams.get(scope)?.content ?? 0);
  }

  /** Bytes that are missing in `scope` to take `bytes` more; 0 or less if they fit. */
  lack(scope: Scope, bytes: number): number {
    const limit = this.limitOf(scope);
    return limit === undefined ? 0 : this.usedBy(scope) + bytes - limit;
  }

  /** Scopes that are above their limit. */
  scopesOver(): Scope[] {
    return [...this.#limits.keys(), undefined].filter((scope) => this.lack(scope, 0) > 0);
  }

  /** Totals of every upstream with content, a fill or a limit. */
  perUpstream(): [string, ContentTotals][] {
    const names = new Set([...this.#upstreams.keys(), ...this.#limits.keys()]);
    return [...names].map((name) => [
      name,
      { bytes: this.usedBy(name), objects: this.#upstreams.get(name)?.objects ?? 0 },
    ]);
  }

  addContent(bytes: number, objects = 1): void {
    this.#whole.content += bytes;
    this.#whole.objects += objects;
    this.#changed();
  }

  addDelivered(upstream: string, bytes: number, objects = 1): void {
    const account = this.#account(upstream);
    account.content += bytes;
    account.objects += objects;
  }

  /** Takes bytes for a fill (negative: gives them back). `upstream` is undefined if it is not known. */
  reserve(upstream: string | undefined, bytes: number): void {
    this.#whole.reserved += bytes;
    if (upstream !== undefined) this.#account(upstream).reserved += bytes;
    this.#changed();
  }

  setIndex(bytes: number): void {
    this.#index = bytes;
    this.#changed();
  }

  setQuarantine(bytes: number): void {
    this.#quarantine = bytes;
    this.#changed();
  }

  /** Replaces the totals of content; reservations stay. */
  resetContent(whole: ContentTotals, byUpstream: ReadonlyMap<string, ContentTotals>): void {
    Object.assign(this.#whole, { content: whole.bytes, objects: whole.objects });
    for (const account of this.#upstreams.values()) Object.assign(account, { content: 0, objects: 0 });
    for (const [upstream, { bytes, objects }] of byUpstream) this.addDelivered(upstream, bytes, objects);
    this.#changed();
  }

  #account(upstream: string): Account {
    let account = this.#upstreams.get(upstream);
    if (account === undefined) {
      account = newAccount();
      this.#upstreams.set(upstream, account);
    }
    return account;
  }

  #changed(): void {
    this.#onChange(this.bytes);
  }
}

function newAccount(): Account {
  return { content: 0, objects: 0, reserved: 0 };
}
