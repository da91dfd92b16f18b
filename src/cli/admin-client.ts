import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ERROR_TABLE, errorText, LarderError, type ErrorCode } from '../kit/errors.ts';
import { parseJson } from '../kit/json.ts';
import { readBody } from '../kit/read-body.ts';
import { lines } from '../kube/client/lines.ts';

/** Client of the admin listener of a running `larder serve`. Rejects with the listener's error, or with `ADMIN_UNREACHABLE`. */
export interface AdminClient {
  readonly url: string;
  /** Reads a document. */
  read(path: string, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Starts work in the process, and yields its messages, one a line. */
  act(path: string, body: object, signal: AbortSignal): AsyncGenerator<Record<string, unknown>>;
}

/** Time without data after which a request fails. The listener sends an empty line every 10 s. */
const SILENCE_MS = 60_000;
const LINE_LIMIT = 1024 * 1024;
/** Enough for the statistics of some thousand upstreams. */
const DOCUMENT_LIMIT = 16 * 1024 * 1024;

export function createAdminClient(base: URL, token: string | undefined): AdminClient {
  const url = base.href.replace(/\/$/, '');

  async function send(path: string, body: object | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const target = new URL(`${url}${path}`);
    const options: RequestOptions = {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      agent: false,
      signal,
      timeout: SILENCE_MS,
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, resolve);
      request.on('timeout', () => request.destroy(new Error(`no data for ${SILENCE_MS / 1000} s`)));
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreachable(`nothing answers at ${url}: ${connectionFailure(error)}`);
    });
    if (response.statusCode === 200) return response;
    throw refusal(response, await textOf(response, signal));
  }

  /** Turns every failure within an answer into one message. */
  async function* linesOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<string> {
    try {
      yield* lines(response, LINE_LIMIT, (fault) =>
        cut(`a line is too ${fault === 'long' ? 'long' : 'short'}`),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof LarderError ? error : cut(errorText(error));
    }
  }

  async function textOf(response: IncomingMessage, signal: AbortSignal): Promise<string> {
    const tooLong = (): Error => new Error(`it is longer than ${DOCUMENT_LIMIT} bytes`);
    try {
      return (await readBody(response, DOCUMENT_LIMIT, tooLong)).toString('utf8');
    } catch (error) {
      signal.throwIfAborted();
      throw cut(errorText(error));
    }
  }

  function refusal({ statusCode }: IncomingMessage, text: string): LarderError {
    const document = parse(text);
    if (document !== undefined && typeof document['error'] === 'string') return failureOf(document);
    return unreachable(
      `${url} answered with status ${statusCode}: it is no larder serve, or one of another version`,
    );
  }

  function cut(why: string): LarderError {
    return unreachable(`the answer of ${url} broke off: ${why}`);
  }

  function unreachable(message: string): LarderError {
    return new LarderError('ADMIN_UNREACHABLE', message, {
      hint: 'name the admin listener of a running larder serve with --admin',
    });
  }

  return {
    url,
    async read(path, signal) {
      const text = await textOf(await send(path, undefined, signal), signal);
      const document = parse(text);
      if (document === undefined) throw unreachable(`${url}${path} answered something that is no JSON`);
      return document;
    },
    async *act(path, body, signal) {
      const response = await send(path, body, signal);
      for await (const line of linesOf(response, signal)) {
        const document = parse(line);
        if (document === undefined) throw unreachable(`${url}${path} answered something that is no JSON`);
        if (document['event'] === 'error') throw failureOf(document);
        yield document;
        if (document['event'] === 'result') return;
      }
      throw unreachable(`the answer of ${url} ended before its result: larder serve may have stopped`);
    },
  };
}

/** OpenSSL's errors are lines of `:error:<number>:<library>:<function>:<reason>:<file>`. Only the reason helps a reader. */
function connectionFailure(error: unknown): string {
  const text = errorText(error);
  const reason = /:error:[^:]*:[^:]*:[^:]*:([^:]+):/.exec(text)?.[1];
  return reason === undefined ? text : `TLS failed: ${reason}`;
}

/** Rebuilds the error of the listener. */
function failureOf({ code, error, hint }: Record<string, unknown>): LarderError {
  const known =
    typeof code === 'string' && Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'INTERNAL';
  return new LarderError(known, String(error), typeof hint === 'string' ? { hint } : {});
}

function parse(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}
