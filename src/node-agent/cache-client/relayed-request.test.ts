import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { parseAnswerHead } from './answer-head.ts';
import type { AnswerReceiver, CacheConnection } from './cache-connection.ts';
import { startRelayedRequest } from './relayed-request.ts';

const head = parseAnswerHead('HTTP/1.1 200 OK\r\nContent-Length: 10', false);
const piece = Buffer.from('12345');

interface Setting {
  readonly clock: ManualClock;
  /** Plays the cache's answer. */
  readonly cache: AnswerReceiver;
  /** Calls that the client received, and `closed` after the connection to the cache was closed. */
  readonly heard: string[];
  /** Takes the last piece for the client. */
  readonly take: () => void;
}

/** A request that has been sent to the cache and has no answer yet. */
async function setting(): Promise<Setting> {
  const clock = new ManualClock();
  const heard: string[] = [];
  let cache: AnswerReceiver | undefined;
  let take = (): void => {};
  const connection: CacheConnection = {
    ready: Promise.resolve(),
    isIdle: false,
    ask: (_request, _isHead, receiver) => (cache = receiver),
    destroy: () => heard.push('closed'),
  };
  startRelayedRequest(
    { clock, open: () => undefined, onLate: () => {}, onEnd: () => {} },
    { bytes: '', isHead: false },
    {
      head: () => heard.push('head'),
      body: (_piece, taken) => {
        heard.push('body');
        take = taken;
      },
      end: () => heard.push('end'),
      failed: (error, answered) =>
        heard.push(`failed ${isLarderError(error) ? error.code : ''} ${answered ? 'answered' : ''}`),
    },
    connection,
    false,
  );
  await connection.ready;
  assert.ok(cache !== undefined);
  return { clock, cache, heard, take: () => take() };
}

describe('an answer', () => {
  test('is cut if it is silent for longer than a cache can be', async () => {
    const { clock, cache, heard, take } = await setting();
    cache.head(head);
    clock.advance(85_000);
    cache.body(piece, () => {});
    take();
    clock.advance(89_000);
    assert.deepEqual(heard, ['head', 'body']);
    clock.advance(2_000);
    assert.deepEqual(heard, ['head', 'body', 'closed', 'failed UPSTREAM_TIMEOUT answered']);
    assert.equal(clock.pending, 0);
  });

  test('is not cut while its client does not read', async () => {
    const { clock, cache, heard, take } = await setting();
    cache.head(head);
    cache.body(piece, () => {});
    clock.advance(600_000);
    take();
    clock.advance(89_000);
    cache.body(piece, () => {});
    clock.advance(600_000);
    take();
    cache.end();
    assert.deepEqual(heard, ['head', 'body', 'body', 'end']);
    assert.equal(clock.pending, 0);
  });
});
