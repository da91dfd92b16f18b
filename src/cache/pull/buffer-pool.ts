/**
 * A buffer on loan, returned once: by `release` if the kernel has taken the bytes, by `abandon` if that is unknown. An
 * abandoned buffer is not reused.
 */
export interface BufferLease {
  readonly buffer: Buffer;
  release(): void;
  abandon(): void;
}

/**
 * Lends the buffers through which bodies go from disk to socket: memory depends on the number of readers, not on the size
 * of blobs. Large buffers are fast (512 KiB give 1.04 to 1.13 times the speed of 256 KiB for 0.87 of the CPU) and limited in
 * number. When all are lent, readers go on with small ones.
 */
export interface BufferPool {
  /** Lends a buffer for a piece of `bytes`. It may be smaller; only one from the pool may be larger. */
  lease(bytes: number): BufferLease;
  /** Number of large buffers that are lent. */
  readonly lent: number;
}

export interface BufferPoolOptions {
  largeBytes: number;
  /** Most large buffers that are lent at a time. */
  largeCount: number;
  /** Most large buffers kept for the next reader. The garbage collector frees the others. */
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
    lease(bytes) {
      if (bytes <= options.smallBytes || lent >= options.largeCount) {
        return {
          buffer: Buffer.allocUnsafe(Math.min(bytes, options.smallBytes)),
          release() {},
          abandon() {},
        };
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
