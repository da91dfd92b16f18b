import type { Read } from '../trace/trace.ts';

/** A cache under one policy. */
export interface Cache {
  /** True when it had the item. What it had not it has fetched meanwhile, and kept or not. */
  read(read: Read): boolean;
}

export interface Policy {
  readonly name: string;
  /** An empty cache of `capacity` bytes. */
  createCache(capacity: number): Cache;
}
