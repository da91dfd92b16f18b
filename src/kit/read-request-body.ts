import type { IncomingMessage } from 'node:http';
import { LarderError } from './errors.ts';

/**
 * Reads the body of a request, to its end also when it is longer than `limit` bytes, since a client that is still sending does not see an
 * answer. Throws `CLIENT_GONE`, and what `tooLong` makes of the size that was found.
 */
export async function readRequestBody(
  request: IncomingMessage,
  limit: number,
  tooLong: (size: number) => LarderError,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
    }
  } catch (error) {
    throw new LarderError('CLIENT_GONE', 'the client closed the connection', { cause: error });
  }
  if (size > limit) throw tooLong(size);
  return Buffer.concat(chunks);
}
