import { read } from 'node:fs';
import { LarderError } from '../../src/kit/errors.ts';

/** Reads a file from `position` on into `buffer`, at least one byte. Throws `STORE_UNAVAILABLE`. */
export function readFileAt(fd: number, buffer: Buffer, position: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, position, (error, bytesRead) => {
      if (error !== null)
        reject(new LarderError('STORE_UNAVAILABLE', 'reading a file failed', { cause: error }));
      else if (bytesRead === 0)
        reject(new LarderError('STORE_UNAVAILABLE', `a file ends early, at byte ${position}`));
      else resolve(buffer.subarray(0, bytesRead));
    });
  });
}
