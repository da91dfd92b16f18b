/** An upstream without sockets for tests of the cache: answers come from a function, and every request is recorded. */
import { Readable } from 'node:stream';
import { LarderError } from '../../src/kit/errors.ts';
import type {
  LoginAnswer,
  LoginRequest,
  Upstream,
  UpstreamRequest,
  UpstreamResponse,
} from '../../src/upstream/types.ts';

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly challenges?: readonly string[];
  /** Pieces in which the body arrives. An error thrown between them fails the body. */
  readonly body?: Iterable<Buffer> | AsyncIterable<Buffer>;
  /** Undefined if the upstream does not give the size. */
  readonly contentLength?: number | undefined;
}

export interface FakeUpstream extends Upstream {
  readonly requests: readonly UpstreamRequest[];
  readonly logins: readonly LoginRequest[];
  readonly closed: boolean;
  /** Bodies that were neither read to their end nor destroyed. */
  readonly openBodies: number;
}

/** Answers each request with what `answer` gives, or fails it with what it throws; `count` is 1 for the first request. */
export function fakeUpstream(
  answer: (request: UpstreamRequest, count: number) => FakeAnswer | Promise<FakeAnswer>,
  name = 'r.example',
  logIn: (request: LoginRequest) => LoginAnswer = () => ({ kind: 'open' }),
): FakeUpstream {
  const logins: LoginRequest[] = [];
  const requests: UpstreamRequest[] = [];
  const bodies: Readable[] = [];
  let closed = false;
  return {
    name,
    requests,
    logins,
    get closed() {
      return closed;
    },
    get openBodies() {
      return bodies.filter((body) => !body.destroyed).length;
    },
    async request(request) {
      requests.push(request);
      request.signal.throwIfAborted();
      const {
        status = 200,
        headers = {},
        challenges = [],
        body = [],
        contentLength,
      } = await answer(request, requests.length);
      const readable = readableOf(body);
      bodies.push(readable);
      readable.on('error', () => {});
      const abort = (): void => void readable.destroy(request.signal.reason as Error);
      if (request.signal.aborted) abort();
      request.signal.addEventListener('abort', abort, { once: true });
      return {
        status,
        headers,
        challenges,
        contentLength,
        body: readable,
        read: (limit) => readAll(readable, limit),
      };
    },
    async logIn(request) {
      logins.push(request);
      return logIn(request);
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

/** Unlike `Readable.from`, it can be destroyed while a piece is awaited, as a socket can. */
function readableOf(body: Iterable<Buffer> | AsyncIterable<Buffer>): Readable {
  const pieces = (async function* () {
    yield* body;
  })();
  return new Readable({
    read() {
      pieces.next().then(
        ({ value, done }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
  });
}

async function readAll(body: UpstreamResponse['body'], limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new LarderError('UPSTREAM_BAD_ANSWER', `more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
