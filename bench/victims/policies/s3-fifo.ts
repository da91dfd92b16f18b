import type { Item } from '../trace/image.ts';
import type { Policy } from './policy.ts';

/** Share of the capacity for new items. */
const SMALL = 0.1;
const MOST_USES = 3;

/**
 * S3-FIFO (Yang et al., SOSP 2023) counted in bytes. New items wait in a small queue. An item moves to the main queue if it was read again
 * there, or soon after it left (the ghosts cover as many bytes as the main queue has).
 */
export const s3Fifo: Policy = {
  name: 'S3-FIFO',
  createCache(capacity) {
    const uses = new Map<Item, number>();
    const small = createQueue();
    const main = createQueue();
    const ghosts = createQueue();

    return {
      read({ item }) {
        const known = uses.get(item);
        if (known !== undefined) {
          uses.set(item, Math.min(MOST_USES, known + 1));
          return true;
        }
        if (item.size > capacity) return false;
        while (small.bytes + main.bytes + item.size > capacity) {
          if (small.bytes > capacity * SMALL || main.bytes === 0) leaveSmall();
          else leaveMain();
        }
        uses.set(item, 0);
        (ghosts.delete(item) ? main : small).push(item);
        return false;
      },
    };

    function leaveSmall(): void {
      const item = small.shift();
      if (uses.get(item)! > 0) {
        uses.set(item, 0);
        main.push(item);
        return;
      }
      uses.delete(item);
      ghosts.push(item);
      while (ghosts.bytes > capacity * (1 - SMALL)) ghosts.shift();
    }

    function leaveMain(): void {
      const item = main.shift();
      const left = uses.get(item)!;
      if (left === 0) {
        uses.delete(item);
        return;
      }
      uses.set(item, left - 1);
      main.push(item);
    }
  },
};

function createQueue() {
  const items = new Set<Item>();
  return {
    bytes: 0,
    push(item: Item): void {
      items.add(item);
      this.bytes += item.size;
    },
    shift(): Item {
      const item = items.values().next().value!;
      this.delete(item);
      return item;
    },
    delete(item: Item): boolean {
      if (!items.delete(item)) return false;
      this.bytes -= item.size;
      return true;
    },
  };
}
