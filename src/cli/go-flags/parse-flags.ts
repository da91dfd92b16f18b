import { goQuote } from '../../kit/document/go-quote.ts';
import { flagError, type FlagValue, type GoFlag, type GoFlags, type GoValues } from './go-flag.ts';

/**
 * Parses arguments as pflag does: `--name=value`, `--name value`, `--name` alone for booleans, `-x` for short names, and no flags after
 * `--`. Names are never abbreviated. Other arguments are ignored. Throws `USAGE` with pflag's text for the first argument that is wrong.
 */
export function parseGoFlags<Flags extends GoFlags>(
  flags: Flags,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): GoValues<Flags> {
  const entries = Object.entries(flags);
  const given = new Map<string, FlagValue>();
  const set = (key: string, flag: GoFlag, text: string): void => {
    try {
      given.set(key, flag.read(text, given.get(key)));
    } catch (error) {
      const name = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
      throw flagError(`invalid argument ${goQuote(text)} for "${name}" flag: ${(error as Error).message}`);
    }
  };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined && arg !== '--'; arg = rest.shift()) {
    if (arg.startsWith('--')) long(arg);
    else if (arg.startsWith('-')) short(arg.slice(1));
  }

  function long(arg: string): void {
    const [, name = '', value] = /^--([^=]*)(?:=([^]*))?$/.exec(arg) ?? [];
    if (name === '' || name.startsWith('-')) throw flagError(`bad flag syntax: ${arg}`);
    const [key, flag] = entries.find(([, one]) => one.name === name) ?? [];
    if (key === undefined || flag === undefined) throw flagError(`unknown flag: --${name}`);
    const text = value ?? flag.bare ?? rest.shift();
    if (text === undefined) throw flagError(`flag needs an argument: --${name}`);
    set(key, flag, text);
  }

  /** Takes letters that stand together, such as `-abc`. The last may have a value. */
  function short(letters: string): void {
    for (let left = letters; left !== '';) {
      const [letter = ''] = left;
      const [key, flag] = entries.find(([, one]) => one.short === letter) ?? [];
      if (key === undefined || flag === undefined)
        throw flagError(`unknown shorthand flag: '${letter}' in -${left}`);
      const value = /^.=([^]+)$/.exec(left)?.[1] ?? (flag.bare === undefined ? left.slice(1) : undefined);
      const text = value === '' ? rest.shift() : (value ?? flag.bare);
      if (text === undefined) throw flagError(`flag needs an argument: '${letter}' in -${left}`);
      set(key, flag, text);
      left = value === undefined ? left.slice(1) : '';
    }
  }

  const valueOf = (key: string, flag: GoFlag): FlagValue => {
    const text = flag.variable === undefined ? '' : (environment[flag.variable] ?? '');
    return given.get(key) ?? (text === '' ? flag.standard : flag.read(text, undefined));
  };
  return Object.fromEntries(entries.map(([key, flag]) => [key, valueOf(key, flag)])) as GoValues<Flags>;
}
