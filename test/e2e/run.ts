/**
 * `npm run e2e:kubernetes`: tests Larder as a whole on a real Kubernetes, installed by its chart from its image. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure, 2 for wrong arguments, which `read-arguments.ts` lists. Needs root and the
 * parts of the group e2e.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../kit/temp.ts';
import { buildLarderImage } from './larder-image.ts';
import { readArguments } from './read-arguments.ts';
import { runSuite, type Counts } from './run-suite.ts';
import { formatTask } from './suite-task.ts';

const SUITE = fileURLToPath(new URL('suite.ts', import.meta.url));

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
    const { passed, failed } = await runSuite(SUITE, formatTask({ ...suite, record: asked.record, image }));
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}
