/** Large enough for the head of an answer (64 KiB) and for few calls a megabyte. */
const SLAB_BYTES = 128 * 1024;
/** Kept for the next connection. More are left to the garbage collector. */
const IDLE_SLABS = 8;

/** A buffer that is filled from front to back, and whose pieces are on their way to a client. */
export interface Slab {
  readonly buffer: Buffer;
  /** A piece of it is lent. */
  lend(): void;
  /** The kernel has taken a lent piece. */
  giveBack(): void;
  /** Nothing will be added: once no piece is lent, others may have the buffer. */
  retire(): void;
}

/** Lends buffers, so that bodies pass through memory that is there already. */
export interface Slabs {
  take(): Slab;
}

export function createSlabs(): Slabs {
  const idle: Buffer[] = [];
  return {
    take() {
      const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
      let lent = 0;
      let isRetired = false;
      const release = (): void => {
        if (isRetired && lent === 0 && idle.length < IDLE_SLABS) idle.push(buffer);
      };
      return {
        buffer,
        lend() {
          lent += 1;
        },
        giveBack() {
          lent -= 1;
          release();
        },
        retire() {
          if (isRetired) return;
          isRetired = true;
          release();
        },
      };
    },
  };
}
