import { Command, Option } from 'commander';
import type { CommandDefinition, CommandIo } from '../command.ts';
import { EXIT, reportGoFailure, reportWrongFlag } from '../exit.ts';
import { boolFlag, defaultText, type GoFlag, type GoFlags, type GoValues } from './go-flag.ts';
import { parseGoFlags } from './parse-flags.ts';
import { goUsage } from './usage.ts';

export interface GoCommand<Flags extends GoFlags> {
  readonly name: string;
  readonly description: string;
  readonly flags: Flags;
  /** Runs the command. Resolves with the exit code. */
  readonly run: (values: GoValues<Flags>, io: CommandIo) => Promise<number>;
}

/**
 * Makes a command that stands in for a program in Go: its flags, messages and exit codes are those of the Go libraries (decision 0017). The
 * command for commander serves `larder --help` and the reference; it parses nothing.
 */
export function goCommand<Flags extends GoFlags>(
  io: CommandIo,
  { name, description, flags, run }: GoCommand<Flags>,
): CommandDefinition {
  const call = `larder ${name}`;
  const help = boolFlag('help', { short: 'h', standard: false, usage: `help for ${call}` });
  const version = versionFlag();
  const all = { ...flags, help, version };
  const failed = (error: unknown, values: object): number => {
    const isText = 'logFormat' in values && values.logFormat === 'text';
    return reportGoFailure(error, (line) => io.err(line), isText ? 'text' : 'json');
  };
  const usage = `${description}\n\n${goUsage(call, all)}`;

  return {
    build() {
      const command = new Command(name).description(description).helpOption(false);
      for (const flag of Object.values({ ...flags, version })) command.addOption(optionOf(flag));
      return Object.assign(command, { helpInformation: () => usage });
    },
    own: {
      name,
      async run(args) {
        let values: GoValues<typeof all>;
        try {
          values = parseGoFlags(all, args, io.environment);
        } catch (error) {
          return reportWrongFlag(error, goUsage(call, all), (text) => io.err(text));
        }
        if (values.help) io.out(usage);
        else if (values.version) io.out(`${io.version}\n`);
        else return await run(values, io).catch((error: unknown) => failed(error, values));
        return EXIT.done;
      },
    },
  };
}

/** `--version=raw` is a word that Kubernetes' own flag has for a longer text. */
function versionFlag(): GoFlag<boolean> {
  const flag = boolFlag('version', { standard: false, usage: 'Prints the version and exits.' });
  return { ...flag, read: (text, earlier) => text === 'raw' || flag.read(text, earlier) };
}

/** Describes a flag for the help and the reference. */
function optionOf(flag: GoFlag): Option {
  const { name, type, usage, standard, variable } = flag;
  const option = new Option(`--${name}${type === '' ? '' : ` <${type}>`}`, usage);
  if (variable !== undefined) option.env(variable);
  const text = defaultText(flag);
  return text === undefined ? option : option.default(standard, text);
}
