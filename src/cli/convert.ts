import { Command } from 'commander';
import { LarderError } from '../kit/errors.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import { readDocumentFile } from './document-file.ts';

/** `larder convert FILE...`: prints RegistryConfig objects, or exits with 2 and every reason why not. */
export function convertCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('convert')
        .description("Turn RegistryCacheConfig objects of Kyma's module into RegistryConfig objects.")
        .argument('<file...>', 'objects of core.kyma-project.io/v1beta1, YAML or JSON; - is standard input')
        .action(async (files: readonly string[]) => done(await convert(files, io))),
  };
}

async function convert(files: readonly string[], io: CommandIo): Promise<number> {
  const { convertRegistryCacheConfigs } = await import('../api/kyma/convert-registry-cache-configs.ts');
  const texts: { source: string; text: string }[] = [];
  for (const source of files) texts.push({ source, text: await readDocumentFile(source, io) });
  const { output, notes, problems } = convertRegistryCacheConfigs(texts);
  if (problems.length > 0) throw new LarderError('CONFIG_INVALID', problems.join('\n'));
  for (const note of notes) io.err(`${note}\n`);
  io.out(output);
  return EXIT.done;
}
