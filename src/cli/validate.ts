import { Command } from 'commander';
import { isLarderError } from '../kit/errors.ts';
import { EXIT } from './exit.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { readDocumentFile } from './document-file.ts';
import { outputOption } from './options.ts';
import { counted } from './units.ts';

/** `larder validate FILE`: exits with 0 and prints a line, or with 2 and every problem with its field path. */
export function validateCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('validate')
        .description('Check a RegistryConfig or MirrorConfig document and list all its problems.')
        .argument('<file>', 'RegistryConfig or MirrorConfig documents, YAML or JSON; - is standard input')
        .addOption(outputOption())
        .action(async (file: string, options: { output: 'text' | 'json' }) => {
          done(options.output === 'json' ? await validateForPrograms(file, io) : await validate(file, io));
        }),
  };
}

async function validate(file: string, io: CommandIo): Promise<number> {
  const upstreams = await validUpstreams(file, io);
  io.out(`${file} is valid: ${counted(upstreams.length, 'upstream')} (${upstreams.join(', ')})\n`);
  return EXIT.done;
}

/** Prints one JSON document on standard output, for a valid and an invalid file. */
async function validateForPrograms(file: string, io: CommandIo): Promise<number> {
  try {
    io.out(`${JSON.stringify({ valid: true, upstreams: await validUpstreams(file, io) })}\n`);
    return EXIT.done;
  } catch (error) {
    if (!isLarderError(error, 'CONFIG_INVALID')) throw error;
    io.out(`${JSON.stringify({ valid: false, problems: error.detail ?? [{ message: error.message }] })}\n`);
    return EXIT.usage;
  }
}

/** Gives the upstreams of all documents of a valid file. */
async function validUpstreams(file: string, io: CommandIo): Promise<string[]> {
  const [{ invalidConfig }, { parseConfigs, upstreamsOf }] = await Promise.all([
    import('../cache/config-file.ts'),
    import('../api/parse-config.ts'),
  ]);
  const results = parseConfigs(await readDocumentFile(file, io), { source: file });
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) throw invalidConfig(problems);
  return results.flatMap((result) => (result.ok ? upstreamsOf(result.config) : []));
}
