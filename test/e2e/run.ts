/**
 * `npm run e2e:kubernetes`: tests Larder as a whole on a real Kubernetes, installed by its chart from its image. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure, 2 for wrong arguments, which `read-arguments.ts` lists. Needs root and the
 * parts of the group e2e.
 */
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../kit/temp.ts';
import { buildLarderImage } from './larder-image.ts';
import { readArguments } from './read-arguments.ts';
import { formatTask, type SuiteTask } from './suite-task.ts';

const SUITE = fileURLToPath(new URL('suite.ts', import.meta.url));

interface Counts {
  passed: number;
  failed: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const asked = readArguments(args);
  if (typeof asked === 'string') {
    console.error(asked);
    return 2;
  }
  using built = tempDir();
  const image = join(built.path, 'image');
  await buildLarderImage(image);
  const total: Counts = { passed: 0, failed: 0 };
  for (const suite of asked.suites) {
    const { passed, failed } = await runSuite({ ...suite, record: asked.record, image });
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

/** Runs a suite in a process with one cluster, in which the scenarios run one after the other. */
async function runSuite(task: SuiteTask): Promise<Counts> {
  const events = run({ files: [SUITE], argv: [formatTask(task)], concurrency: false });
  let counts: Counts = { passed: 0, failed: 1 };
  events.on('test:summary', ({ counts: { tests, passed, skipped, todo }, file }) => {
    if (file === undefined) counts = { passed, failed: tests - passed - skipped - todo };
  });
  for await (const text of events.compose(spec())) process.stdout.write(text as string);
  return counts;
}
