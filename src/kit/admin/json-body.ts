import type { IncomingMessage } from 'node:http';
import { LarderError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { readRequestBody } from '../read-body.ts';

/** The parameters of an action take a few hundred bytes. */
const BODY_LIMIT = 16 * 1024;

/**
 * Reads a JSON body; an empty body is an empty object. The request must have the content type of JSON. A form in a browser cannot
 * have it, so that no page of another origin gets here without a preflight (Fetch standard, "CORS-safelisted request-header").
 * Throws `REQUEST_INVALID` and `CLIENT_GONE`.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'];
  if (!/^application\/json *(;|$)/i.test(type ?? '')) {
    throw invalid(
      `expected Content-Type: application/json, found ${type === undefined ? 'none' : JSON.stringify(type.slice(0, 100))}`,
    );
  }
  const text = (await readRequestBody(request, BODY_LIMIT, tooLong)).toString('utf8').trim();
  if (text === '') return {};
  const body = parseJson(text);
  if (body === undefined) throw invalid('expected a body in JSON, found something else');
  return body;
}

function tooLong(size: number): LarderError {
  return invalid(`expected a body of at most ${BODY_LIMIT} bytes, found ${size}`);
}

function invalid(message: string): LarderError {
  return new LarderError('REQUEST_INVALID', message);
}
