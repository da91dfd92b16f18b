import type { Read } from '../trace/trace.ts';

/** A cache under one policy. */
export interface Cache {
  /** True on a hit. On a miss the cache fetches the item, and keeps it or not. */
  read(read: Read): boolean;
}

export interface Policy {
  readonly name: string;
  /** Creates an empty cache of `capacity` bytes. */
  createCache(capacity: number): Cache;
}
