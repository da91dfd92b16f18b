/** A buffer on loan, given back once: `release` when the kernel has taken the bytes, `abandon` when nobody knows whether it has. */
export interface BufferLease {
  readonly buffer: Buffer;
  release(): void;
  abandon(): void;
}

/**
 * Lends the buffers through which bodies go from disk to socket, so that memory depends on the number of readers and not on
 * the size of blobs. Large buffers are fast (256 KiB reads reach memory speed, 64 KiB a third of it) and limited in number;
 * when they are all lent, readers go on with small ones.
 */
export interface BufferPool {
  lease(): BufferLease;
  /** Large buffers lent now. */
  readonly lent: number;
}

export interface BufferPoolOptions {
  largeBytes: number;
  /** Large buffers lent at most. */
  largeCount: number;
  /** Large buffers kept for the next reader; more are left to the garbage collector. */
  largeIdle: number;
  smallBytes: number;
}

export function createBufferPool(options: BufferPoolOptions): BufferPool {
  const idle: Buffer[] = [];
  let lent = 0;
  return {
    get lent() {
      return lent;
    },
    lease() {
      if (lent >= options.largeCount) {
        return { buffer: Buffer.allocUnsafeSlow(options.smallBytes), release() {}, abandon() {} };
      }
      lent += 1;
      const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(options.largeBytes);
      return {
        buffer,
        release() {
          lent -= 1;
          if (idle.length < options.largeIdle) idle.push(buffer);
        },
        abandon() {
          lent -= 1;
        },
      };
    },
  };
}
