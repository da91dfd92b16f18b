import { goQuote } from '../../kit/document/go-quote.ts';
import { LarderError } from '../../kit/errors.ts';
import { readList } from './read-list.ts';

export type FlagValue = string | number | boolean | readonly string[];

/** A flag as the Go library pflag takes it (github.com/spf13/pflag v1.0.10). */
export interface GoFlag<T extends FlagValue = FlagValue> {
  /** Without the two dashes. */
  readonly name: string;
  /** One letter, without its dash. */
  readonly short?: string;
  /** Word for the value in the usage. Empty for a boolean. */
  readonly type: string;
  readonly standard: T;
  readonly usage: string;
  /** Environment variable that gives the default. */
  readonly variable?: string;
  /** Value of the flag when the argument has no `=`. Undefined: the next argument is the value. */
  readonly bare?: string;
  /** Reads a value. `earlier` is what the flag had from an earlier argument. Throws an `Error` with Go's text. */
  read(text: string, earlier: T | undefined): T;
}

/** Flags of a command by the names that the program uses. */
export type GoFlags = Readonly<Record<string, GoFlag>>;

/** Values of {@link GoFlags}. */
export type GoValues<Flags extends GoFlags> = {
  readonly [Name in keyof Flags]: Flags[Name] extends GoFlag<infer Value> ? Value : never;
};

interface Text<T> {
  readonly standard: T;
  readonly usage: string;
  readonly variable?: string;
  readonly short?: string;
}

export function stringFlag(name: string, text: Text<string>): GoFlag<string> {
  return { name, type: 'string', ...text, read: (value) => value };
}

export function intFlag(name: string, text: Text<number>): GoFlag<number> {
  return { name, type: 'int', ...text, read: (value) => readInt(value, 63n) };
}

/** An integer of 32 bits. */
export function int32Flag(name: string, text: Text<number>): GoFlag<number> {
  return { name, type: 'int32', ...text, read: (value) => readInt(value, 31n) };
}

export function boolFlag(name: string, text: Text<boolean>): GoFlag<boolean> {
  return { name, type: '', bare: 'true', ...text, read: readBool };
}

/** A flag that may be given several times, each time with values separated by commas. */
export function listFlag(name: string, text: Text<readonly string[]>): GoFlag<readonly string[]> {
  const read = (value: string, earlier: readonly string[] = []) => [...earlier, ...readList(value)];
  return { name, type: 'strings', ...text, read };
}

/** Default of a flag as text. Undefined for the zero value of its type, which counts as none. */
export function defaultText({ standard }: GoFlag): string | undefined {
  const text = typeof standard === 'object' ? standard.join(',') : String(standard);
  return ['', '0', 'false'].includes(text) ? undefined : text;
}

/** Makes the error of a command line. The command prints it with its usage. */
export function flagError(message: string): LarderError {
  return new LarderError('USAGE', message);
}

const BOOLEANS = new Map(
  Object.entries({ 1: true, t: true, T: true, TRUE: true, true: true, True: true }).concat(
    Object.entries({ 0: false, f: false, F: false, FALSE: false, false: false, False: false }),
  ),
);

/** Reads the words of Go's `strconv.ParseBool`. */
function readBool(text: string): boolean {
  const value = BOOLEANS.get(text);
  if (value === undefined) throw new Error(`strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`);
  return value;
}

/** Integers of Go's `strconv.ParseInt(text, 0, 64)`: also with a prefix for the base, and with underscores between digits. */
const INTEGER = /^[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/;

/** Reads an integer with so many bits beside its sign. */
function readInt(text: string, bits: bigint): number {
  const problem = (what: string) => new Error(`strconv.ParseInt: parsing ${goQuote(text)}: ${what}`);
  if (!INTEGER.test(text)) throw problem('invalid syntax');
  const digits = text.replaceAll(/[+_-]/g, '');
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits}` : digits.toLowerCase());
  const value = text.startsWith('-') ? -size : size;
  const limit = 2n ** bits;
  if (value >= limit || value < -limit) throw problem('value out of range');
  return Number(value);
}
