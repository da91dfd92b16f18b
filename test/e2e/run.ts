/**
 * `npm run e2e:kubernetes`: proves Larder as a whole on a real Kubernetes, installed by its chart from its image. Ends with a
 * line `N passed, N failed`, and with 1 when something failed, 2 when it was asked for what there is not. Needs root and the parts of the group e2e; `read-arguments.ts` has
 * the arguments.
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

/** In a process with one cluster, which all scenarios share in their order. */
async function runSuite(task: SuiteTask): Promise<Counts> {
  const events = run({ files: [SUITE], argv: [formatTask(task)], concurrency: false });
  let counts: Counts = { passed: 0, failed: 1 };
  events.on('test:summary', ({ counts: { tests, passed, skipped, todo }, file }) => {
    if (file === undefined) counts = { passed, failed: tests - passed - skipped - todo };
  });
  for await (const text of events.compose(spec())) process.stdout.write(text as string);
  return counts;
}
