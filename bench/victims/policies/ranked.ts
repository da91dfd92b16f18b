import type { Item } from '../trace/image.ts';
import type { Read } from '../trace/trace.ts';
import type { Cache } from './policy.ts';

/** An item in the cache. The lowest `rank` is evicted first. */
export interface Entry {
  readonly item: Item;
  readonly id: number;
  rank: number;
  uses: number;
  usedAt: number;
  /** Index in the heap. */
  slot: number;
}

/** Returns the rank of an entry after a read. `entry.uses` includes this read; `entry.usedAt` and `entry.rank` do not. */
export type RankOf = (entry: Entry, read: Read, lastEvicted: number) => number;

/**
 * Creates a cache that evicts the lowest rank. `slack`: share of the capacity that is freed beyond the need. Items larger than the capacity are
 * not kept.
 */
export function createRankedCache(capacity: number, rankOf: RankOf, slack = 0): Cache {
  /** Indexed by item id. */
  const entries: (Entry | undefined)[] = [];
  const heap: Entry[] = [];
  let bytes = 0;
  let lastEvicted = 0;

  return {
    read(read) {
      const known = entries[read.id];
      if (known !== undefined) {
        use(known, read);
        settle(known);
        return true;
      }
      const { item, id } = read;
      if (item.size > capacity) return false;
      if (bytes + item.size > capacity) makeRoom(item.size + slack * capacity);
      const entry = { item, id, rank: 0, uses: 0, usedAt: read.at, slot: heap.length };
      use(entry, read);
      heap.push(entry);
      settle(entry);
      entries[id] = entry;
      bytes += item.size;
      return false;
    },
  };

  function use(entry: Entry, read: Read): void {
    entry.uses += 1;
    entry.rank = rankOf(entry, read, lastEvicted);
    entry.usedAt = read.at;
  }

  function makeRoom(room: number): void {
    while (heap.length > 0 && bytes + room > capacity) {
      const victim = heap[0]!;
      const last = heap.pop()!;
      if (last !== victim) {
        place(last, 0);
        settle(last);
      }
      entries[victim.id] = undefined;
      bytes -= victim.item.size;
      lastEvicted = victim.rank;
    }
  }

  /** Moves an entry to the place of its rank. */
  function settle(entry: Entry): void {
    for (let parent = (entry.slot - 1) >> 1; entry.slot > 0; parent = (entry.slot - 1) >> 1) {
      if (heap[parent]!.rank <= entry.rank) break;
      swap(entry, heap[parent]!);
    }
    for (;;) {
      const left = heap[2 * entry.slot + 1];
      const right = heap[2 * entry.slot + 2];
      const child = right !== undefined && right.rank < left!.rank ? right : left;
      if (child === undefined || child.rank >= entry.rank) return;
      swap(entry, child);
    }
  }

  function swap(one: Entry, other: Entry): void {
    const slot = one.slot;
    place(one, other.slot);
    place(other, slot);
  }

  function place(entry: Entry, slot: number): void {
    heap[slot] = entry;
    entry.slot = slot;
  }
}
