import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { LarderError } from './errors.ts';

/** Reads a body to its end. Destroys a body of more than `limit` bytes and throws the error of `tooLong`. */
export async function readBody(body: Readable, limit: number, tooLong: () => Error): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop destroys the body.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/**
 * Reads the body of a request to its end, keeping at most `limit` bytes: a client that still sends does not see an answer, and an
 * unread body turns the answer into a reset. Takes twice the size of the body at the most, however small the pieces are in which it comes.
 * Throws `CLIENT_GONE`, and the error of `tooLong` for a longer body.
 */
export async function readRequestBody(
  request: IncomingMessage,
  limit: number,
  tooLong: (size: number) => LarderError,
): Promise<Buffer> {
  let body: Buffer = Buffer.alloc(0);
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      const end = size + chunk.length;
      if (end > limit) body = Buffer.alloc(0);
      else {
        if (end > body.length) body = enlarged(body, Math.min(limit, Math.max(end, 2 * body.length)));
        chunk.copy(body, size);
      }
      size = end;
    }
  } catch (error) {
    throw new LarderError('CLIENT_GONE', 'the client closed the connection', { cause: error });
  }
  if (size > limit) throw tooLong(size);
  return body.subarray(0, size);
}

function enlarged(buffer: Buffer, length: number): Buffer {
  const larger = Buffer.allocUnsafe(length);
  buffer.copy(larger);
  return larger;
}
