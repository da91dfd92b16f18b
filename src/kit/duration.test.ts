import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { durationFromMs, durationToMs, formatDuration, parseDuration, type Duration } from './duration.ts';
import { isLarderError } from './errors.ts';

// Checked against Go 1.26: the outcome of time.ParseDuration and Duration.String.
const READABLE: readonly [text: string, nanoseconds: bigint, canonical: string][] = [
  ['0', 0n, '0s'],
  ['-0s', 0n, '0s'],
  ['+2h', 7_200_000_000_000n, '2h0m0s'],
  ['168h', 604_800_000_000_000n, '168h0m0s'],
  ['1h30m', 5_400_000_000_000n, '1h30m0s'],
  ['.5s', 500_000_000n, '500ms'],
  ['1.s', 1_000_000_000n, '1s'],
  ['1.5h', 5_400_000_000_000n, '1h30m0s'],
  ['1us', 1_000n, '1µs'],
  ['1µs', 1_000n, '1µs'],
  ['1μs', 1_000n, '1µs'],
  ['1500ns', 1_500n, '1.5µs'],
  ['1m1ns', 60_000_000_001n, '1m0.000000001s'],
  ['1h1h', 7_200_000_000_000n, '2h0m0s'],
  ['-1s', -1_000_000_000n, '-1s'],
  ['0.3333333333333333333h', 1_200_000_000_000n, '20m0s'],
  ['9223372036854775807ns', 9_223_372_036_854_775_807n, '2562047h47m16.854775807s'],
  ['-9223372036854775808ns', -9_223_372_036_854_775_808n, '-2562047h47m16.854775808s'],
];

for (const [text, nanoseconds, canonical] of READABLE) {
  test(`reads ${text} and writes it as ${canonical}`, () => {
    const duration = parseDuration(text);
    assert.equal(duration, nanoseconds);
    assert.equal(formatDuration(duration), canonical);
  });
}

const REFUSED: readonly [text: string, message: string][] = [
  ['', 'time: invalid duration ""'],
  ['-', 'time: invalid duration "-"'],
  ['.s', 'time: invalid duration ".s"'],
  ['h', 'time: invalid duration "h"'],
  ['5', 'time: missing unit in duration "5"'],
  ['1h5', 'time: missing unit in duration "1h5"'],
  ['7d', 'time: unknown unit "d" in duration "7d"'],
  ['1h-1m', 'time: unknown unit "h-" in duration "1h-1m"'],
  ['1 h', 'time: unknown unit " h" in duration "1 h"'],
  ['2é', String.raw`time: unknown unit "\xc3\xa9" in duration "2\xc3\xa9"`],
  ['2562048h', 'time: invalid duration "2562048h"'],
  ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  [`${'9'.repeat(400)}h`, `time: invalid duration "${'9'.repeat(400)}h"`],
];

for (const [text, message] of REFUSED) {
  test(`refuses ${JSON.stringify(text.slice(0, 30))} in the words of Go`, () => {
    assert.throws(
      () => parseDuration(text),
      (error) => isLarderError(error, 'CONFIG_INVALID') && error.message === message,
    );
  });
}

const anyDuration = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => value as Duration);

test('every duration is read back from what was written', () => {
  fc.assert(
    fc.property(anyDuration, (duration) => {
      assert.equal(parseDuration(formatDuration(duration)), duration);
    }),
  );
});

test('any text is either a duration in range or a CONFIG_INVALID', () => {
  const text = fc.stringMatching(/^[-+]?([0-9]{0,21}\.?[0-9]{0,21}[a-zµ]{0,3}){0,3}$/);
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (input) => {
      try {
        const duration = parseDuration(input);
        assert.ok(duration >= -(2n ** 63n) && duration < 2n ** 63n);
      } catch (error) {
        assert.ok(isLarderError(error, 'CONFIG_INVALID'));
      }
    }),
  );
});

test('a duration that is set never becomes 0 milliseconds', () => {
  assert.equal(durationToMs(parseDuration('1ns')), 1);
  assert.equal(durationToMs(parseDuration('1ms')), 1);
  assert.equal(durationToMs(parseDuration('1.000001ms')), 2);
  assert.equal(durationToMs(parseDuration('0')), 0);
});

test('milliseconds survive the way through text, the longest too', () => {
  const longest = durationToMs(parseDuration('9223372036854775807ns'));
  assert.equal(longest, 9_223_372_036_854);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: longest }), (ms) => {
      assert.equal(durationToMs(parseDuration(formatDuration(durationFromMs(ms)))), ms);
    }),
  );
});
