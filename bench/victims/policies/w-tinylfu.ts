import type { Item } from '../trace/image.ts';
import type { Policy } from './policy.ts';

/** Share of the capacity for new items. The best of 1, 10 and 30 percent. */
const WINDOW = 0.1;
/** Counts are halved after this many reads. */
const SAMPLE = 20_000;

/**
 * W-TinyLFU for items of any size (Einziger et al., 2021). An item that leaves the window moves to the main part if its uses times its
 * bytes exceed those of all victims that it needs. Counts are exact, include evicted items, and are halved now and then. Both parts are LRU.
 */
export const wTinyLfu: Policy = {
  name: 'W-TinyLFU',
  createCache(capacity) {
    const room = capacity * (1 - WINDOW);
    const counts = new Map<Item, number>();
    const window = new Set<Item>();
    const main = new Set<Item>();
    let windowBytes = 0;
    let mainBytes = 0;
    let reads = 0;

    return {
      read({ item }) {
        count(item);
        const part = window.has(item) ? window : main.has(item) ? main : undefined;
        if (part !== undefined) {
          moveToEnd(part, item);
          return true;
        }
        if (item.size > capacity) return false;
        window.add(item);
        windowBytes += item.size;
        for (const oldest of window) {
          if (windowBytes <= capacity * WINDOW) break;
          window.delete(oldest);
          windowBytes -= oldest.size;
          if (oldest.size <= room) offer(oldest);
        }
        return false;
      },
    };

    function count(item: Item): void {
      counts.set(item, (counts.get(item) ?? 0) + 1);
      reads += 1;
      if (reads % SAMPLE !== 0) return;
      for (const [one, uses] of counts) {
        if (uses > 1) counts.set(one, uses >> 1);
        else counts.delete(one);
      }
    }

    function offer(candidate: Item): void {
      const victims = victimsFor(candidate.size);
      const better = victims.reduce((sum, victim) => sum + valueOf(victim), 0) < valueOf(candidate);
      if (victims.length > 0 && !better) {
        // The next candidate is compared with other victims.
        for (const victim of victims) moveToEnd(main, victim);
        return;
      }
      for (const victim of victims) {
        main.delete(victim);
        mainBytes -= victim.size;
      }
      main.add(candidate);
      mainBytes += candidate.size;
    }

    function victimsFor(size: number): Item[] {
      const victims: Item[] = [];
      let free = room - mainBytes;
      for (const item of main) {
        if (free >= size) break;
        victims.push(item);
        free += item.size;
      }
      return victims;
    }

    function valueOf(item: Item): number {
      return (counts.get(item) ?? 0) * item.size;
    }
  },
};

function moveToEnd(part: Set<Item>, item: Item): void {
  part.delete(item);
  part.add(item);
}
