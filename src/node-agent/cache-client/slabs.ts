/** Large enough for the head of an answer (64 KiB), and few calls per megabyte. */
const SLAB_BYTES = 128 * 1024;
/** Slabs kept for the next connection. The garbage collector gets the others. */
const IDLE_SLABS = 8;

/** A buffer that is filled from front to back while its pieces are on their way to a client. */
export interface Slab {
  readonly buffer: Buffer;
  /** A piece of the buffer is lent. */
  lend(): void;
  /** The kernel has taken a lent piece. */
  giveBack(): void;
  /** No bytes will be added. Once no piece is lent, the buffer is reused. */
  retire(): void;
}

/** Lends buffers, so bodies pass through memory that is already allocated. */
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
