import { LarderError } from './errors.ts';

/** A span of time in nanoseconds, at most 2^63 - 1 (292 years), the range of Go's `time.Duration`. */
export type Duration = bigint & { readonly __brand: 'Duration' };

const MAX = 2n ** 63n;
const SECOND = 1_000_000_000n;

/** Units in nanoseconds. U+00B5 is the micro sign, U+03BC the Greek letter; people type both. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3600n * SECOND],
]);

/**
 * Reads a duration as Go's `time.ParseDuration` does (https://pkg.go.dev/time#ParseDuration): `168h`, `1h30m`, `1.5s`, `-1s`,
 * `0`. There is no unit above the hour. Throws `CONFIG_INVALID` with Go's own text.
 */
export function parseDuration(text: string): Duration {
  const negative = text.startsWith('-');
  let rest = negative || text.startsWith('+') ? text.slice(1) : text;
  if (rest === '0') return 0n as Duration;
  if (rest === '') throw invalid('invalid duration', text);
  let total = 0n;
  while (rest !== '') {
    const [all, whole, fraction, unit] = TERM.exec(rest) as unknown as [string, string, string?, string?];
    if (whole === '' && (fraction ?? '') === '') throw invalid('invalid duration', text);
    const value = boundedInteger(whole);
    if (value === undefined) throw invalid('invalid duration', text);
    if (unit === '' || unit === undefined) throw invalid('missing unit in duration', text);
    const size = UNITS.get(unit);
    if (size === undefined) throw invalid(`unknown unit ${quote(unit)} in duration`, text);
    if (value > MAX / size) throw invalid('invalid duration', text);
    total += value * size + fractionOf(fraction ?? '', size);
    if (total > MAX) throw invalid('invalid duration', text);
    rest = rest.slice(all.length);
  }
  if (negative) return -total as Duration;
  if (total === MAX) throw invalid('invalid duration', text);
  return total as Duration;
}

/** Writes a duration as Go's `Duration.String` does: `168h0m0s`, `1.5s`, `1µs`, `0s`. {@link parseDuration} reads it back. */
export function formatDuration(duration: Duration): string {
  const sign = duration < 0n ? '-' : '';
  const size = duration < 0n ? 0n - duration : duration;
  if (size === 0n) return '0s';
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}\u00b5s`;
  if (size < SECOND) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const seconds = `${decimal(size % (60n * SECOND), SECOND)}s`;
  const minutes = size / (60n * SECOND);
  if (minutes === 0n) return sign + seconds;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** Whole milliseconds, at most {@link MAX_DURATION_MS}. Rounds up: a set duration never becomes 0, which often means "off". */
export function durationToMs(duration: Duration): number {
  const ms = duration / 1_000_000n;
  const up = duration > 0n && ms * 1_000_000n !== duration;
  return Math.min(Number(ms) + (up ? 1 : 0), MAX_DURATION_MS);
}

/** The largest {@link Duration} in whole milliseconds. */
const MAX_DURATION_MS = 9_223_372_036_854;

/** The duration of whole milliseconds, at most {@link MAX_DURATION_MS}. */
export function durationFromMs(ms: number): Duration {
  return (BigInt(ms) * 1_000_000n) as Duration;
}

/** One term of a duration such as `12.5h`: digits, an optional fraction, and everything up to the next digit or dot. */
const TERM = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/;

function invalid(what: string, text: string): LarderError {
  return new LarderError('CONFIG_INVALID', `time: ${what} ${quote(text)}`);
}

/** Reads digits as an integer; undefined above 2^63. Never builds a huge number. */
function boundedInteger(digits: string): bigint | undefined {
  const significant = digits.replace(/^0+/, '');
  if (significant.length > 19) return undefined;
  const value = BigInt(significant);
  return value > MAX ? undefined : value;
}

/** `0.<digits>` of a unit, by Go's own floating-point steps, so that the last nanosecond agrees too. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > (MAX - 1n) / 10n) break;
    const next = value * 10n + BigInt(digit);
    if (next > MAX) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** `size / unit` with as many decimals as it takes. `unit` is a power of ten. */
function decimal(size: bigint, unit: bigint): string {
  const places = unit.toString().length - 1;
  const fraction = (size % unit).toString().padStart(places, '0').replace(/0+$/, '');
  return fraction === '' ? `${size / unit}` : `${size / unit}.${fraction}`;
}

/** The quoting of Go's package `time`: bytes outside printable ASCII as `\\xNN`. */
function quote(text: string): string {
  let quoted = '"';
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte);
    if (byte < 0x20 || byte >= 0x80) quoted += `\\x${byte.toString(16).padStart(2, '0')}`;
    else quoted += char === '"' || char === '\\' ? `\\${char}` : char;
  }
  return `${quoted}"`;
}
