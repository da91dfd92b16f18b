import { Command, Option } from 'commander';
import { loadConfig } from '../cache/config-file.ts';
import { EXIT } from './exit.ts';
import type { CommandDefinition, CommandIo } from './main.ts';

/** `larder validate FILE`: exit 0 and a line, or exit 2 and every problem with its field path. */
export function validateCommand(io: CommandIo): CommandDefinition {
  return {
    build: (done) =>
      new Command('validate')
        .description('Check a RegistryConfig document and list all its problems.')
        .argument('<file>', 'RegistryConfig document, YAML or JSON')
        .addOption(new Option('--output <format>', 'text or json').choices(['text', 'json']).default('text'))
        .action(async (file: string, options: { output: 'text' | 'json' }) => {
          const config = await loadConfig(file);
          const upstreams = config.caches.map((cache) => cache.upstream);
          if (options.output === 'json') io.out(`${JSON.stringify({ valid: true, upstreams })}\n`);
          else io.out(`${file} is valid: ${upstreams.length} upstreams (${upstreams.join(', ')})\n`);
          done(EXIT.done);
        }),
  };
}
