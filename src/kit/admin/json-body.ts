import type { IncomingMessage } from 'node:http';
import { LarderError } from '../errors.ts';

/** What an action is told takes a few hundred bytes. */
const BODY_LIMIT = 16 * 1024;

/**
 * Reads a JSON body; none at all is an empty object. It must say that it is JSON: that a form in a browser cannot, so no page of another
 * origin gets here unasked (Fetch standard, "CORS-safelisted request-header"). Throws `REQUEST_INVALID`, and `CLIENT_GONE`.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'];
  if (!/^application\/json *(;|$)/i.test(type ?? '')) {
    throw invalid(
      `expected Content-Type: application/json, found ${type === undefined ? 'none' : JSON.stringify(type.slice(0, 100))}`,
    );
  }
  const text = (await readBody(request)).toString('utf8').trim();
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalid('expected a body in JSON, found something else');
  }
}

/** Reads to the end also what is too long, since a client that is still sending does not see an answer. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= BODY_LIMIT) chunks.push(chunk);
    }
  } catch (error) {
    throw new LarderError('CLIENT_GONE', 'the client closed the connection', { cause: error });
  }
  if (size > BODY_LIMIT) throw invalid(`expected a body of at most ${BODY_LIMIT} bytes, found ${size}`);
  return Buffer.concat(chunks);
}

function invalid(message: string): LarderError {
  return new LarderError('REQUEST_INVALID', message);
}
