import { Command } from 'commander';
import { isLarderError } from '../kit/errors.ts';
import { EXIT } from './exit.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { outputOption } from './options.ts';
import { counted } from './units.ts';

/** `larder validate FILE`: exits with 0 and prints a line, or with 2 and every problem with its field path. */
export function validateCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('validate')
        .description('Check a RegistryConfig or MirrorConfig document and list all its problems.')
        .argument('<file>', 'RegistryConfig or MirrorConfig document, YAML or JSON')
        .addOption(outputOption())
        .action(async (file: string, options: { output: 'text' | 'json' }) => {
          done(options.output === 'json' ? await validateForPrograms(file, io) : await validate(file, io));
        }),
  };
}

async function validate(file: string, io: CommandIo): Promise<number> {
  const upstreams = await upstreamsOf(file);
  io.out(`${file} is valid: ${counted(upstreams.length, 'upstream')} (${upstreams.join(', ')})\n`);
  return EXIT.done;
}

/** Prints one JSON document on standard output, for a valid and an invalid file. */
async function validateForPrograms(file: string, io: CommandIo): Promise<number> {
  try {
    io.out(`${JSON.stringify({ valid: true, upstreams: await upstreamsOf(file) })}\n`);
    return EXIT.done;
  } catch (error) {
    if (!isLarderError(error, 'CONFIG_INVALID')) throw error;
    io.out(`${JSON.stringify({ valid: false, problems: error.detail ?? [{ message: error.message }] })}\n`);
    return EXIT.usage;
  }
}

/** Gives the upstreams of a valid document. */
async function upstreamsOf(file: string): Promise<string[]> {
  const [{ loadDocument }, { parseConfig }] = await Promise.all([
    import('../cache/config-file.ts'),
    import('../api/parse-config.ts'),
  ]);
  const config = await loadDocument(file, parseConfig);
  return ('caches' in config ? config.caches : config.mirrors).map(({ upstream }) => upstream);
}
