import type { SpecId } from '../configs/spec-id.ts';

/** What nodes were told last. */
export interface Told {
  /** Of the document; that which is watched may be older for a moment. */
  readonly revision: string;
  /** The upstreams in it, and the spec that was told of each. */
  readonly specs: ReadonlyMap<string, SpecId>;
}

/**
 * Remembers what nodes were told, for the status of the objects: the document itself does not say of which spec it was made, since every node
 * would have to report each new generation. Empty after a start, until the document has been looked at.
 */
export interface ToldBook {
  get(): Told | undefined;
  set(told: Told): void;
  /** Tells of every change. */
  onChange(handler: () => void): void;
}

export function createToldBook(): ToldBook {
  let current: Told | undefined;
  const handlers = new Set<() => void>();
  return {
    get: () => current,
    set(told) {
      if (current !== undefined && textOf(current) === textOf(told)) return;
      current = told;
      for (const handler of handlers) handler();
    },
    onChange: (handler) => void handlers.add(handler),
  };
}

function textOf({ revision, specs }: Told): string {
  return JSON.stringify([revision, ...specs]);
}
