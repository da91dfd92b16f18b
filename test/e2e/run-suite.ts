import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { tempDir } from '../kit/temp.ts';
import { buildLarderImage } from './larder-image.ts';

export interface Counts {
  passed: number;
  failed: number;
}

export type Print = (text: string) => void;

/** Runs a suite in a process of its own, whose only argument is the task, test after test, and prints what it reports. */
export async function runSuite(file: string, task: object, print: Print): Promise<Counts> {
  const events = run({ files: [file], argv: [JSON.stringify(task)], concurrency: false });
  let counts: Counts = { passed: 0, failed: 1 };
  events.on('test:summary', ({ counts: { tests, passed, skipped, todo }, file: ofFile }) => {
    if (ofFile === undefined) counts = { passed, failed: tests - passed - skipped - todo };
  });
  for await (const text of events.compose(spec())) print(text as string);
  return counts;
}

/** Reads the task of {@link runSuite} in that process. */
export function taskOf(): unknown {
  return JSON.parse(process.argv[2] ?? '');
}

/** Shows what a suite prints. */
export const show: Print = (text) => void process.stdout.write(text);

/**
 * Runs the suites of a command: builds the image of Larder, plays with its directory, and ends with the line `N passed, N failed`. `asked` is the usage if
 * the arguments are wrong. Returns the exit code: 1 after a failure, 2 for wrong arguments.
 */
export async function runSuites<Asked extends object>(
  asked: Asked | string,
  play: (asked: Asked, image: string) => Promise<Counts>,
): Promise<number> {
  if (typeof asked === 'string') {
    console.error(asked);
    return 2;
  }
  using built = tempDir();
  const image = join(built.path, 'image');
  await buildLarderImage(image);
  const { passed, failed } = await play(asked, image);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
