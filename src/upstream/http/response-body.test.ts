import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { ResponseBody } from './response-body.ts';

function open(expected = 100) {
  const clock = new ManualClock();
  const source = { paused: false, aborted: undefined as Error | undefined };
  let counted = 0;
  const body = new ResponseBody(
    {
      pause: () => (source.paused = true),
      resume: () => (source.paused = false),
      abort: (reason) => (source.aborted = reason),
    },
    { host: 'r.example', expected, idleMs: 60_000, clock, onBytes: (count) => (counted += count) },
  );
  return { clock, source, body, counted: () => counted };
}

async function readAll(body: ResponseBody): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk as Buffer);
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
  return { bytes: Buffer.concat(chunks), error: undefined };
}

describe('ResponseBody', () => {
  it('hands out all that came before a cut, then fails, however the bytes came and were read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300_000 }), { maxLength: 4 }),
        fc.nat(4),
        async (chunks, before) => {
          const { body } = open();
          chunks.slice(0, before).forEach((chunk) => body.receive(Buffer.from(chunk)));
          const reading = readAll(body);
          await new Promise((resolve) => setImmediate(resolve));
          chunks.slice(before).forEach((chunk) => body.receive(Buffer.from(chunk)));
          body.fail(Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }));
          const { bytes, error } = await reading;
          assert.ok(bytes.equals(Buffer.concat(chunks)));
          assert.equal((error as { code: string }).code, 'UPSTREAM_UNREACHABLE');
          assert.match((error as Error).message, new RegExp(` after ${bytes.length} of 100 bytes$`));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('fails after 60 s without a byte, counted from the last one', async () => {
    const { body, clock, source } = open();
    const reading = readAll(body);
    clock.advance(59_999);
    body.receive(Buffer.from('abc'));
    clock.advance(59_999);
    assert.equal(source.aborted, undefined);
    clock.advance(1);
    const { bytes, error } = await reading;
    assert.equal(bytes.toString(), 'abc');
    assert.equal((error as { code: string }).code, 'UPSTREAM_TIMEOUT');
    assert.ok(source.aborted);
    assert.equal(clock.pending, 0);
  });

  it('waits for a reader that pauses, and counts from 0 when the reader goes on', async () => {
    const { body, clock, source } = open(1_000_000);
    body.receive(Buffer.alloc(600_000));
    assert.equal(source.paused, true);
    clock.advance(3_600_000);
    assert.equal(body.destroyed, false);
    const reading = readAll(body);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(source.paused, false);
    clock.advance(60_000);
    assert.equal(((await reading).error as { code: string }).code, 'UPSTREAM_TIMEOUT');
  });

  it('closes the connection of a discarded body, but not of a complete one', () => {
    const dropped = open();
    dropped.body.destroy();
    assert.ok(dropped.source.aborted);
    const whole = open();
    whole.body.finish();
    whole.body.destroy();
    assert.equal(whole.source.aborted, undefined);
    assert.deepEqual([dropped.clock.pending, whole.clock.pending], [0, 0]);
  });

  it('may fail before it has a reader, and counts every byte once', async () => {
    const { body, counted } = open();
    body.receive(Buffer.from('abc'));
    body.fail(new Error('gone'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(counted(), 3);
    assert.equal((await readAll(body)).bytes.toString(), 'abc');
  });
});
