import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../kit/clock.ts';
import { createLiveLine } from './live-line.ts';

function setting(isTerminal: boolean) {
  const clock = new ManualClock();
  let written = '';
  const write = (name: string) => (text: string) => {
    written += `${name}:${text}`;
  };
  const line = createLiveLine({ isTerminal, out: write('out'), err: write('err') }, clock);
  return { clock, line, written: () => written };
}

const CLEAR = '\r\u001B[2K';

test('on a terminal one line is rewritten in place, at most every 200 ms, and cleared before a line of the result', async () => {
  const { clock, line, written } = setting(true);
  line.show(() => 'one');
  line.show(() => assert.fail('too soon'));
  clock.advance(200);
  line.show(() => 'x'.repeat(200));
  await line.print('found');
  await line.print('again');
  await line.end();
  assert.equal(written(), `err:${CLEAR}oneerr:${CLEAR}${'x'.repeat(79)}err:${CLEAR}out:found\nout:again\n`);
});

test('elsewhere there are whole lines, one every 10 s, without control characters', async () => {
  const { clock, line, written } = setting(false);
  line.show(() => assert.fail('short work says nothing'));
  clock.advance(10_000);
  line.show(() => 'half');
  await line.print('found');
  await line.end();
  assert.equal(written(), 'err:half\nout:found\n');
});
