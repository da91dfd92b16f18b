import { goQuote } from '../../kit/document/go-quote.ts';
import { defaultText, type GoFlag, type GoFlags } from './go-flag.ts';

/**
 * Formats the usage of a command with all flags by name, in the form of the Go libraries cobra and pflag, which
 * would leave out environment variables. Ends with a line break.
 */
export function goUsage(command: string, flags: GoFlags): string {
  const rows = Object.values(flags)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map((flag) => ({ head: headOf(flag), flag }));
  const width = Math.max(...rows.map(({ head }) => head.length));
  const lines = rows.map(({ head, flag }) => `${head.padEnd(width)}   ${flag.usage}${defaultOf(flag)}\n`);
  return `Usage:\n  ${command} [flags]\n\nFlags:\n${lines.join('')}`;
}

function headOf({ name, short, type, bare }: GoFlag): string {
  const value = type === '' ? '' : ` ${type}${bare === undefined ? '' : `[=${bare}]`}`;
  return `${short === undefined ? '      ' : `  -${short}, `}--${name}${value}`;
}

function defaultOf(flag: GoFlag): string {
  const variable = flag.variable === undefined ? '' : ` (env ${flag.variable})`;
  const text = defaultText(flag);
  if (text === undefined) return variable;
  return ` (default ${flag.type === 'string' ? goQuote(text) : text})${variable}`;
}
