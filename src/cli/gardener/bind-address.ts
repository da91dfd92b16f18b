import type { Address } from '../../kit/listen.ts';
import { flagError } from '../go-flags/go-flag.ts';

/**
 * Parses the address of a listener as Go's `net.Listen` takes it: `:8080` is port 8080 of every address. Undefined for `0`, which turns the
 * listener off. Throws `USAGE` with Go's text.
 */
export function parseBindAddress(text: string, flag: string): Address | undefined {
  if (text === '0') return undefined;
  const problem = (what: string) => flagError(`--${flag}: address ${text}: ${what}`);
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d*)$/.exec(text) ?? [];
  if (port === undefined)
    throw problem(text.includes(':') ? 'expected HOST:PORT' : 'missing port in address');
  if (Number(port) > 65_535) throw problem('invalid port');
  return { host: bracketed || plain || '::', port: Number(port) };
}
