import { Command, CommanderError } from 'commander';
import { createRequire } from 'node:module';
import type { CommandIo } from './command.ts';
import { EXIT, reportFailure } from './exit.ts';
import { commandsOf } from './commands.ts';

/** Runs one command line; resolves with the exit code. Never throws. */
export async function main(args: readonly string[], io: CommandIo): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command('larder')
    .description('A pull-through cache for container registries.')
    .version(io.version)
    .showHelpAfterError('(larder --help lists commands and options)')
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .exitOverride();
  const commands = commandsOf(io);
  for (const command of commands) {
    program.addCommand(
      command.build((result) => {
        code = result;
      }),
    );
  }
  for (const command of program.commands) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  }
  try {
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.usage;
    }
    const [name, ...rest] = args;
    const own = commands.find((command) => command.own?.name === name)?.own;
    if (own !== undefined) return await own.run(rest);
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return reportFailure(error, (text) => io.err(text));
  }
}

/** Reads the version from `package.json`, of a checkout or an installed package. */
export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  return version;
}
