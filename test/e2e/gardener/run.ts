/**
 * `npm run e2e:gardener`: plays the life of a shoot that is configured from inside, in a landscape on one machine. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure. With `--record` it writes the session of the shoot's owner into docs/guide/shoot.md. Needs root and the parts of the group e2e.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../../kit/temp.ts';
import { buildLarderImage } from '../larder-image.ts';
import { runSuite } from '../run-suite.ts';

const SUITE = fileURLToPath(new URL('suite.ts', import.meta.url));

using built = tempDir();
const image = join(built.path, 'image');
await buildLarderImage(image);
const record = process.argv.includes('--record');
const { passed, failed } = await runSuite(SUITE, JSON.stringify({ image, record }));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
