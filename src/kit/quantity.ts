import { LarderError } from './errors.ts';

/**
 * An amount as Kubernetes writes it: `10Gi`, `500M`, `1.5Ti`, `1e3`
 * (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
 */
export interface Quantity {
  /** The amount in billionths, the finest unit of a quantity. Finer input is rounded away from zero. */
  readonly nano: bigint;
  /** The text that Kubernetes prints; see {@link parseQuantity}. */
  readonly text: string;
}

type Format = 'decimal' | 'exponent' | 'binary';

const NANO = 1_000_000_000n;
/** Sign, integer without leading zeros, fraction, suffix. No two neighbours match the same characters: linear time. */
const SHAPE = /^([+-]?)0*([1-9][0-9]*)?(?:\.([0-9]*))?((?:[eEinumkKMGTP]+[-+]?|[-+])[0-9]*)?$/;
const DECIMAL_SUFFIXES = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

/** Kubernetes caps binary quantities here: the largest signed 64-bit integer. */
const MAX_BINARY = (2n ** 63n - 1n) * NANO;
/** Bounds of the work for one field, far above any disk. Kubernetes has no such limits. */
const MAX_EXPONENT = 100;
const MAX_DIGITS = 200;

/**
 * Reads a quantity as `resource.ParseQuantity` of k8s.io/apimachinery v0.36 does, numbers included. Its `text` is the
 * canonical form (`10240Mi` gives `10Gi`, `-0.5` gives `-500m`), but as in Kubernetes a short number that passes for canonical
 * keeps its own spelling (`010Gi`, `+5Gi`, `1E3`). A suffix without a digit, which Kubernetes takes for 0, is refused. Throws
 * `CONFIG_INVALID` with the text of Kubernetes.
 */
export function parseQuantity(input: string | number): Quantity {
  const text = String(input).trim();
  const match = text === '' ? null : SHAPE.exec(text);
  if (match === null) {
    throw invalid(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  const unit = unitOf(suffix);
  if (unit === undefined) throw invalid("unable to parse quantity's suffix");
  const hasDigits = /[0-9]/.test(text.slice(0, text.length - suffix.length));
  if (!hasDigits || whole.length + fraction.length > MAX_DIGITS) {
    throw invalid('unable to parse numeric part of quantity');
  }

  const digits = (whole === '' ? '0' : whole) + fraction;
  const size = amount(BigInt(digits), fraction.length, unit);
  const nano = sign === '-' ? -size : size;
  return Object.freeze({
    nano,
    text: keepsSpelling(digits, fraction.length, unit) ? text : format(nano, unit.format),
  });
}

/** Negative when `a` is less than `b`, 0 when they are the same amount whatever their spelling. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** Whole bytes, rounded up, at most 2^53 - 1 (8 PiB). */
export function quantityToBytes(quantity: Quantity): number {
  const bytes = quantity.nano / NANO + (quantity.nano % NANO > 0n ? 1n : 0n);
  return bytes > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(bytes);
}

/** Bytes of a quantity's text. Throws as {@link parseQuantity}. */
export function bytesOf(quantity: string): number {
  return quantityToBytes(parseQuantity(quantity));
}

/** Bytes as the shorter of the binary and the decimal spelling: `50Gi`, `50G`. */
export function formatBytes(bytes: number): string {
  const nano = BigInt(bytes) * NANO;
  const [binary, decimal] = [format(nano, 'binary'), format(nano, 'decimal')];
  return decimal.length < binary.length ? decimal : binary;
}

interface Unit {
  readonly format: Format;
  /** Power of ten, or of two in the binary format. */
  readonly exponent: number;
}

function unitOf(suffix: string): Unit | undefined {
  const decimal = (DECIMAL_SUFFIXES as readonly string[]).indexOf(suffix);
  if (decimal >= 0) return { format: 'decimal', exponent: decimal * 3 - 9 };
  const binary = (BINARY_SUFFIXES as readonly string[]).indexOf(suffix);
  if (binary > 0) return { format: 'binary', exponent: binary * 10 };
  const scientific = /^[eE]([+-]?[0-9]+)$/.exec(suffix);
  if (scientific === null) return undefined;
  const exponent = Number(scientific[1]);
  return Math.abs(exponent) <= MAX_EXPONENT ? { format: 'exponent', exponent } : undefined;
}

/** `digits / 10^places` of `unit` in billionths, rounded up. */
function amount(digits: bigint, places: number, unit: Unit): bigint {
  const binary = unit.format === 'binary';
  const value = binary ? digits << BigInt(unit.exponent) : digits;
  const power = 9 - places + (binary ? 0 : unit.exponent);
  const nano = power >= 0 ? value * 10n ** BigInt(power) : divideUp(value, 10n ** BigInt(-power));
  return binary && nano > MAX_BINARY ? MAX_BINARY : nano;
}

/**
 * The fast path of Kubernetes: a number that fits an int64 and looks canonical is not rewritten. The test is cheap and lets `010Gi`
 * through, and such texts end up in objects and messages.
 */
function keepsSpelling(digits: string, places: number, unit: Unit): boolean {
  if (unit.format === 'binary') {
    const precision = 14 - (digits.length - places) - Math.trunc((unit.exponent * 3) / 10);
    return places === 0 && precision >= 0 && BigInt(digits) % 8n !== 0n;
  }
  const scale = unit.exponent - places;
  return (
    digits.length <= 18 &&
    scale >= -9 &&
    scale % 3 === 0 &&
    !digits.endsWith('000') &&
    !digits.startsWith('0')
  );
}

function format(nano: bigint, wanted: Format): string {
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  const size = nano < 0n ? -nano : nano;
  if (wanted === 'binary' && size % NANO === 0n && size >= 1024n * NANO) {
    const [mantissa, times] = reduce(size / NANO, 1024n, BINARY_SUFFIXES.length - 1);
    return `${sign}${mantissa}${BINARY_SUFFIXES[times] ?? ''}`;
  }
  const places = wanted === 'exponent' ? Infinity : DECIMAL_SUFFIXES.length - 1;
  const [mantissa, times] = reduce(size, 1000n, places);
  if (wanted !== 'exponent') return `${sign}${mantissa}${DECIMAL_SUFFIXES[times] ?? ''}`;
  return times === 3 ? `${sign}${mantissa}` : `${sign}${mantissa}e${times * 3 - 9}`;
}

/** Divides by `factor` while nothing is lost, at most `limit` times. */
function reduce(value: bigint, factor: bigint, limit: number): [mantissa: bigint, times: number] {
  let times = 0;
  let mantissa = value;
  while (times < limit && mantissa % factor === 0n) {
    mantissa /= factor;
    times += 1;
  }
  return [mantissa, times];
}

function divideUp(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

function invalid(message: string): LarderError {
  return new LarderError('CONFIG_INVALID', message);
}
