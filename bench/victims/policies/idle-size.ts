import type { Item } from '../trace/image.ts';
import type { Policy } from './policy.ts';

const PAGE = 512;
const SLACK = 0.02;

/** Evicts the largest `idle^2 * size` among the 512 least recently used items, manifests last. Decision 0014 compares Larder's order with it. */
export const idleSize: Policy = {
  name: 'idle^2*size',
  createCache(capacity) {
    const blobs = new Map<Item, number>();
    const manifests = new Map<Item, number>();
    let bytes = 0;

    return {
      read({ item, at }) {
        const part = item.kind === 'manifest' ? manifests : blobs;
        const hit = part.delete(item);
        if (!hit && item.size > capacity) return false;
        if (!hit && bytes + item.size > capacity) {
          for (const one of [blobs, manifests]) evict(one, item.size + SLACK * capacity, at);
        }
        if (!hit) bytes += item.size;
        part.set(item, at);
        return hit;
      },
    };

    function evict(part: Map<Item, number>, room: number, now: number): void {
      while (bytes + room > capacity && part.size > 0) {
        const page = [...part.entries().take(PAGE)].map(([item, usedAt]) => ({
          item,
          cost: Math.max(1, (now - usedAt) / 1000) ** 2 * item.size,
        }));
        for (const { item } of page.sort((a, b) => b.cost - a.cost)) {
          if (bytes + room <= capacity) return;
          part.delete(item);
          bytes -= item.size;
        }
      }
    }
  },
};
