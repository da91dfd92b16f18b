/**
 * `npm run e2e:gardener`: plays the life of a shoot that is configured from inside, in a landscape on one machine. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure, 2 for wrong arguments, which `read-arguments.ts` lists. Needs root and the
 * parts of the group e2e.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../../kit/temp.ts';
import { buildLarderImage } from '../larder-image.ts';
import { runSuite } from '../run-suite.ts';
import { readArguments } from './read-arguments.ts';
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
  const { passed, failed } = await runSuite(
    SUITE,
    formatTask({ ...asked, image }),
    (text) => void process.stdout.write(text),
  );
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
