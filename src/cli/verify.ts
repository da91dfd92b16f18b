import { Command, Option } from 'commander';
import { keepAlive, systemClock } from '../kit/clock.ts';
import { isLarderError, LarderError } from '../kit/errors.ts';
import { parseImageOrDigest } from '../oci/image-reference.ts';
import type { VerifyFinding, VerifyProgress, VerifyResult } from '../store/maintenance/maintenance.ts';
import type { CommandDefinition, CommandIo } from './command.ts';
import { EXIT } from './exit.ts';
import { interruptible } from './signals.ts';
import { findKeeper, keeperOptions, type Keeper } from './keeper.ts';
import { createLiveLine, createSilentLine, type LiveLine } from './live-line.ts';
import { outputOption, option, parseSpeed } from './options.ts';
import { counted, formatLength, formatSize } from './units.ts';

interface VerifyFlags {
  readonly repair?: boolean;
  readonly rate?: number;
  readonly output: 'text' | 'json';
}

/** Findings that the JSON output lists at most. All are counted. */
const LISTED = 10_000;

/**
 * `larder verify [IMAGE]`: reads stored content and compares it with its digests. Exit code 0: all content is right or repaired; 1: some
 * is not; 3: the image is not stored.
 */
export function verifyCommand(io: CommandIo): CommandDefinition {
  return {
    build(done) {
      const command = new Command('verify')
        .description('Check stored content against its digests, and take damaged content out of service.')
        .argument('[image]', 'image, or digest of any content; all content if left out')
        .addOption(
          new Option(
            '--repair',
            'fetch damaged content again through the running larder serve, with the configured credential or none',
          ),
        )
        .addOption(
          option(
            '--rate <quantity>',
            'maximum bytes per second to read (default: as fast as the disk can)',
          ).argParser(parseSpeed),
        )
        .addOption(outputOption());
      for (const one of keeperOptions(io)) command.addOption(one);
      return command.action(async (image: string | undefined) => {
        const flags = command.opts<VerifyFlags>();
        checkName(image);
        done(await interruptible(io, (signal) => verify({ image, flags, command, io }, signal)));
      });
    },
  };
}

interface VerifyJob {
  readonly image: string | undefined;
  readonly flags: VerifyFlags;
  readonly command: Command;
  readonly io: CommandIo;
}

async function verify({ image, flags, command, io }: VerifyJob, signal: AbortSignal): Promise<number> {
  using _alive = keepAlive();
  await using keeper = await findKeeper(command, io, signal);
  const isText = flags.output === 'text';
  const line = isText ? createLiveLine(io, systemClock) : createSilentLine();
  if (isText) io.err(`checking ${image ?? 'all content'}: ${keeper.place}\n`);
  const findings: VerifyFinding[] = [];
  const startedAt = systemClock.monotonic();
  const repair = flags.repair === true;
  try {
    const request = { image, rate: flags.rate, repair };
    const result = await keeper.verify(request, signal, async (event) => {
      if (event.event === 'progress') {
        line.show(() => progressText(event, systemClock.monotonic() - startedAt));
        return;
      }
      if (findings.length < LISTED) findings.push(event);
      await line.print(findingText(event));
    });
    await line.end();
    if (isText) await printResult(result, { keeper, repair, line });
    else io.out(`${JSON.stringify({ ...result, findings })}\n`);
    return result.damaged > result.repaired || result.unreadable > 0 ? EXIT.failed : EXIT.done;
  } finally {
    await line.end();
  }
}

/** Throws `USAGE` for an invalid name, before the store is looked up. */
function checkName(image: string | undefined): void {
  try {
    if (image !== undefined) parseImageOrDigest(image);
  } catch (error) {
    if (!isLarderError(error)) throw error;
    throw new LarderError('USAGE', `${JSON.stringify(image)} is no image: ${error.message}`);
  }
}

function progressText(progress: VerifyProgress, elapsedMs: number): string {
  const { checkedBytes, totalBytes } = progress;
  const share = totalBytes === 0 ? 1 : Math.min(1, checkedBytes / totalBytes);
  const speed = elapsedMs === 0 ? 0 : (checkedBytes / elapsedMs) * 1000;
  const left = speed === 0 ? '' : `  ${formatLength(((totalBytes - checkedBytes) / speed) * 1000)} left`;
  const of = `${formatSize(checkedBytes)} of ${formatSize(totalBytes)}`;
  return `${of}  ${Math.floor(share * 100)} %  ${formatSize(speed)}/s${left}`;
}

function findingText({ digest, type, size, state, repositories, reason }: VerifyFinding): string {
  const where = repositories.length === 0 ? '' : ` of ${repositories.join(', ')}`;
  const what = `${digest} (${type}${where}, ${formatSize(size)})`;
  switch (state) {
    case 'repaired':
      return `${what}: damaged, fetched again`;
    case 'unreadable':
      return `${what}: could not be read: ${reason}`;
    case 'damaged':
      return `${what}: damaged, out of service${reason === undefined ? '' : `; could not be fetched again: ${reason}`}`;
  }
}

async function printResult(
  result: VerifyResult,
  { keeper, repair, line }: { keeper: Keeper; repair: boolean; line: LiveLine },
): Promise<void> {
  const { checkedObjects, checkedBytes, damaged, repaired, unreadable, missing } = result;
  const parts = [`${counted(checkedObjects, 'object')} checked, ${formatSize(checkedBytes)}`];
  if (damaged + unreadable === 0) parts.push('all right');
  if (damaged > 0) parts.push(`${damaged} damaged`);
  if (repaired > 0) parts.push(`${repaired} of them fetched again`);
  if (unreadable > 0) parts.push(`${unreadable} could not be read`);
  await line.print(parts.join('; '));
  if (missing > 0)
    await line.print(`${counted(missing, 'part')} of the image not stored, such as other platforms`);
  if (damaged === repaired) return;
  const next = 'the next pull fetches the damaged content again';
  if (repair && !keeper.isServing)
    await line.print(`no larder serve uses the store, so damaged files are in quarantine: ${next}`);
  else await line.print(repair ? next : `${next}; a running larder serve does so at once with --repair`);
}
