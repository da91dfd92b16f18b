import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseRetryAfter } from './retry-after.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('parseRetryAfter', () => {
  it('reads seconds and the three forms of an HTTP date', () => {
    assert.equal(parseRetryAfter('120', NOW), 120);
    assert.equal(parseRetryAfter(' 7 ', NOW), 7);
    assert.equal(parseRetryAfter('Sun, 22 Nov 2026 12:01:00 GMT', NOW), 60);
    assert.equal(parseRetryAfter('Sunday, 22-Nov-26 12:00:30 GMT', NOW), 30);
  });

  it('keeps to 1 s and 1 h', () => {
    assert.equal(parseRetryAfter('0', NOW), 1);
    assert.equal(parseRetryAfter('Sat, 21 Nov 2026 12:00:00 GMT', NOW), 1);
    assert.equal(parseRetryAfter('86400', NOW), 3600);
    assert.equal(parseRetryAfter('Mon, 23 Nov 2026 12:00:00 GMT', NOW), 3600);
  });

  it('takes nothing else for a time', () => {
    for (const text of [undefined, '', '-5', '1.5', 'soon', '2026-11-22', 'Sunday']) {
      assert.equal(parseRetryAfter(text, NOW), undefined);
    }
  });

  it('gives whole seconds from 1 to 3600 or nothing, whatever it is given', () => {
    const header = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(header, (text) => {
        const seconds = parseRetryAfter(text, NOW);
        assert.ok(seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600));
      }),
    );
  });
});
