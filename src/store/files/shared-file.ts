import { close } from 'node:fs';

/**
 * A file descriptor with several owners, closed when the last one releases it. Its creator is the first owner. The close runs in the thread
 * pool: the last close of a deleted file frees its page cache, which takes 0.3 ms per MiB.
 */
export class SharedFile {
  readonly fd: number;
  #owners = 1;

  constructor(fd: number) {
    this.fd = fd;
  }

  get owners(): number {
    return this.#owners;
  }

  retain(): this {
    this.#owners += 1;
    return this;
  }

  /** Calls `closed` when the file is closed if this was the last owner, else at once. */
  release(closed: () => void = () => {}): void {
    this.#owners -= 1;
    // A failed close loses nothing: the file was only read, or is already synced.
    if (this.#owners === 0) close(this.fd, () => closed());
    else closed();
  }
}
