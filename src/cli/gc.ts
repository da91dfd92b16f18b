import { Command, Option } from 'commander';
import { keepAlive, systemClock } from '../kit/clock.ts';
import {
  GARBAGE_REASONS,
  type GarbageItem,
  type GarbageReason,
  type GarbageResult,
} from '../store/maintenance/maintenance.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import { interruptible } from './signals.ts';
import { findKeeper, keeperOptions, type GarbageSettings } from './keeper.ts';
import { createLiveLine, createSilentLine } from './live-line.ts';
import { option, outputOption, parseBytes } from './options.ts';
import { counted, formatSize } from './units.ts';

interface GcFlags {
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly maxSize?: number;
  readonly output: 'text' | 'json';
}

/** Items that the JSON output lists at most. All are counted. */
const LISTED = 10_000;

const MEANING: Record<GarbageReason, string> = {
  leftover: 'partial bodies without a running download',
  quarantine: 'damaged files in quarantine',
  unconfigured: 'content of upstreams that are not configured',
  ttl: 'content not used for longer than its ttl',
  budget: 'content over a size limit',
};

/** `larder gc`: removes unwanted content, or lists it with `--dry-run`. */
export function gcCommand(io: CommandIo): CommandDefinition {
  return {
    build(done) {
      const command = new Command('gc')
        .description(
          'Remove content that is expired, unconfigured or over a size limit, partial bodies and quarantined files.',
        )
        .addOption(new Option('--dry-run', 'list what would be removed and why, and change nothing'))
        .addOption(
          option(
            '--config <file>',
            'RegistryConfig document for a store that no larder serve uses; without it only --max-size applies',
          ),
        )
        .addOption(
          option('--max-size <quantity>', 'limit of such a store (default: none)').argParser(parseBytes),
        )
        .addOption(outputOption());
      for (const one of keeperOptions(io)) command.addOption(one);
      return command.action(async () => {
        const flags = command.opts<GcFlags>();
        done(await interruptible(io, (signal) => collect(flags, command, io, signal)));
      });
    },
  };
}

async function collect(
  flags: GcFlags,
  command: Command,
  io: CommandIo,
  signal: AbortSignal,
): Promise<number> {
  using _alive = keepAlive();
  const atRest = await settingsOf(flags);
  await using keeper = await findKeeper(command, io, signal);
  const dryRun = flags.dryRun === true;
  const isText = flags.output === 'text';
  const line = isText ? createLiveLine(io, systemClock) : createSilentLine();
  if (isText) io.err(`looking for garbage: ${keeper.place}\n`);
  const items: GarbageItem[] = [];
  let bytes = 0;
  try {
    const result = await keeper.collectGarbage({ dryRun, atRest }, signal, async (item) => {
      bytes += item.freedBytes;
      if (!isText && items.length < LISTED) items.push(item);
      if (dryRun) await line.print(itemText(item));
      else line.show(() => `${formatSize(bytes)} freed`);
    });
    await line.end();
    if (isText) for (const one of resultLines(result)) await line.print(one);
    else io.out(`${JSON.stringify({ ...result, limitBytes: limitOf(result) ?? null, items })}\n`);
    return EXIT.done;
  } finally {
    await line.end();
  }
}

/** Reads the settings that a running `larder serve` has from its configuration. */
async function settingsOf({ config, maxSize }: GcFlags): Promise<GarbageSettings> {
  if (config === undefined) return { policies: undefined, maxBytes: maxSize };
  const [{ loadConfig }, { policiesOf }] = await Promise.all([
    import('../cache/config-file.ts'),
    import('../cache/active-config.ts'),
  ]);
  return { policies: policiesOf(await loadConfig(config)), maxBytes: maxSize };
}

function itemText({ reason, name, size, freedBytes, upstreams, usedAt }: GarbageItem): string {
  const whose = upstreams.length === 0 ? '' : `  ${upstreams.join(', ')}`;
  const used = usedAt === undefined ? '' : `  last used ${new Date(usedAt).toISOString()}`;
  const stays = freedBytes < size ? '  kept for other upstreams' : '';
  return `${reason.padEnd(12)}  ${formatSize(size).padStart(8)}  ${name}${whose}${used}${stays}`;
}

/** Undefined without a limit, as for a store at rest without `--max-size`. */
function limitOf({ limitBytes }: GarbageResult): number | undefined {
  return limitBytes >= Number.MAX_SAFE_INTEGER ? undefined : limitBytes;
}

function resultLines(result: GarbageResult): string[] {
  const { dryRun, objects, bytes, reasons, storedBytes } = result;
  const lines = GARBAGE_REASONS.flatMap((reason) => {
    const sum = reasons[reason];
    return sum.objects === 0 ? [] : [`${MEANING[reason]}: ${sum.objects}, ${formatSize(sum.bytes)}`];
  });
  const what = objects === 0 ? 'nothing' : `${counted(objects, 'object')}, ${formatSize(bytes)}`;
  const limitBytes = limitOf(result);
  const limit = limitBytes === undefined ? '' : ` of ${formatSize(limitBytes)}`;
  lines.push(
    `${dryRun ? 'would remove' : 'removed'} ${what}; the store has ${formatSize(storedBytes)}${limit}`,
  );
  return lines;
}
