/** Sends an answer with its planned faults. No other module writes to a client's socket. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestBlob } from '../blob.ts';
import { errorAnswer, textAnswer, type Answer } from './answer.ts';
import type { FaultPlan } from './faults.ts';
import type { Connection } from './origin.ts';
import { parseRange } from './range.ts';
import type { RequestRecord } from './request-log.ts';

/** A request being answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  readonly record: RequestRecord;
  /** Aborted when the response is over, whole or not. */
  readonly gone: AbortSignal;
}

/**
 * Answers one request: waits at the faults' gates, gets the answer from `handle` and sends it. A client that leaves is no error; an
 * error of `handle` is thrown.
 */
export async function respond(
  exchange: Exchange,
  plan: FaultPlan,
  handle: () => Answer | Promise<Answer>,
): Promise<void> {
  const { record, gone } = exchange;
  await plan.stand('hold', gone);
  if (plan.delayMs !== undefined) await pause(plan.delayMs, undefined, { signal: gone }).catch(() => {});
  if (gone.aborted) return;
  if (plan.drop) {
    cut(exchange, plan.drop);
    return;
  }
  const answer = replaced(plan) ?? applyRange(await handle(), exchange.request, plan);
  record.status = answer.status;
  record.digest = answer.digest ?? record.digest;
  writeHead(exchange, answer, plan);
  const { body } = answer;
  if (exchange.request.method === 'HEAD' || !body) {
    complete(exchange);
  } else {
    await sendBody(exchange, body, answer.span ?? { start: 0, end: body.size }, plan);
  }
}

/** An answer with the part of its body that is sent. */
interface SpannedAnswer extends Answer {
  readonly span?: { readonly start: number; readonly end: number };
}

function replaced({ status, body }: FaultPlan): SpannedAnswer | undefined {
  if (status === undefined && body === undefined) return undefined;
  const code = status ?? 200;
  if (typeof body === 'object') {
    return textAnswer(code, body.text, { 'content-type': body.contentType ?? 'application/json' });
  }
  const text = `${code} by fault`;
  return body === 'plain' ? textAnswer(code, text) : errorAnswer(code, ERROR_CODES[code] ?? 'UNKNOWN', text);
}

const ERROR_CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NAME_UNKNOWN',
  405: 'UNSUPPORTED',
  429: 'TOOMANYREQUESTS',
};

function applyRange(answer: Answer, request: IncomingMessage, plan: FaultPlan): SpannedAnswer {
  const { body } = answer;
  if (!answer.ranged || !body) return answer;
  const whole = { ...answer, headers: { 'accept-ranges': 'bytes', ...answer.headers } };
  const ifRange = request.headers['if-range'];
  const usable = plan.range !== 'ignore' && (ifRange === undefined || ifRange === answer.headers['etag']);
  const range = usable ? parseRange(request.headers.range, body.size) : 'whole';
  if (range === 'whole') return whole;
  if (range === 'unsatisfiable' || plan.range === 'refuse') {
    return errorAnswer(416, 'RANGE_INVALID', 'range not satisfiable', {
      'content-range': `bytes */${body.size}`,
    });
  }
  const label = plan.range === 'mislabel' ? range.start + 1 : range.start;
  return {
    ...whole,
    status: 206,
    headers: { ...whole.headers, 'content-range': `bytes ${label}-${range.end - 1}/${body.size}` },
    span: plan.range === 'shift' ? { start: 0, end: range.end - range.start } : range,
  };
}

function writeHead({ response }: Exchange, answer: SpannedAnswer, plan: FaultPlan): void {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  const span = answer.span ?? { start: 0, end: answer.body?.size ?? 0 };
  if (!plan.chunked && hasLength(answer.status)) {
    response.setHeader('content-length', plan.contentLength ?? span.end - span.start);
  }
  if (answer.digest !== undefined && plan.digestHeader !== 'omit') {
    response.setHeader('docker-content-digest', plan.digestHeader?.value ?? answer.digest);
  }
  if (plan.retryAfter !== undefined) response.setHeader('retry-after', plan.retryAfter);
  for (const [name, value] of Object.entries(plan.headers ?? {})) {
    if (value === null) response.removeHeader(name);
    else response.setHeader(name, value);
  }
  response.flushHeaders();
}

/** RFC 9110 section 8.6: no Content-Length with 204; a 304 may omit it. */
function hasLength(status: number): boolean {
  return status !== 204 && status !== 304;
}

async function sendBody(
  exchange: Exchange,
  body: TestBlob,
  { start, end }: { start: number; end: number },
  plan: FaultPlan,
): Promise<void> {
  const { gone } = exchange;
  const cutAt =
    plan.cutAfter !== undefined && start + plan.cutAfter < end ? start + plan.cutAfter : undefined;
  const pauseAt = plan.pauseAfter === undefined ? undefined : Math.min(start + plan.pauseAfter, end);
  const stop = cutAt ?? end;
  const write = createWriter(exchange, plan);
  if (pauseAt !== undefined && pauseAt <= stop) {
    await write(body, start, pauseAt);
    await plan.stand('pauseAfter', gone);
    await write(body, pauseAt, stop);
  } else {
    await write(body, start, stop);
  }
  if (gone.aborted) return;
  if (cutAt !== undefined || plan.contentLength !== undefined) {
    await flushed(exchange);
    cut(exchange, plan.cutBy ?? 'fin');
  } else {
    complete(exchange);
  }
}

/** Writes spans of the body: 256 KiB views without copying, or small pieces on a schedule at a limited rate. */
function createWriter({ response, record, gone }: Exchange, plan: FaultPlan) {
  const rate = plan.bytesPerSecond;
  const pieceBytes = rate === undefined ? undefined : Math.max(1, Math.floor(rate / PIECES_PER_SECOND));
  let begin = performance.now();
  let sent = 0;
  let wake = (): void => {};
  response.on('drain', () => wake());
  gone.addEventListener('abort', () => wake(), { once: true });

  return async (body: TestBlob, start: number, end: number): Promise<void> => {
    let at = start;
    for (const chunk of body.chunks(start, end, pieceBytes)) {
      if (gone.aborted) return;
      if (rate !== undefined) {
        const due = begin + (sent / rate) * 1000 - performance.now();
        if (due > 0) await pause(due, undefined, { signal: gone }).catch(() => {});
        // After a pause of the whole process the rate goes on from now: a burst is no limited rate.
        else if (due < -LATE_MS) begin -= due;
        if (gone.aborted) return;
      }
      const room = response.write(flip(chunk, at, plan.flipByteAt));
      at += chunk.length;
      sent += chunk.length;
      record.bodyBytes += chunk.length;
      if (!room) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };
}

const PIECES_PER_SECOND = 50;
const LATE_MS = 100;

function flip(chunk: Buffer, offset: number, target: number | undefined): Buffer {
  if (target === undefined || target < offset || target >= offset + chunk.length) return chunk;
  const copy = Buffer.from(chunk);
  copy[target - offset] = 0xff ^ (chunk[target - offset] ?? 0);
  return copy;
}

/** Resolves when everything written so far is in the hands of the system, or the client has gone. */
function flushed({ response, gone }: Exchange): Promise<void> {
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => resolve(), { once: true });
    response.socket?.write('', () => resolve());
  });
}

/** Records the end before the client can see it, so that a test may check as soon as its client has everything. */
function complete({ response, record }: Exchange): void {
  record.ending = 'complete';
  response.end();
}

function cut({ connection, record }: Exchange, how: 'fin' | 'rst'): void {
  record.ending = 'cut';
  connection.end(how);
}
