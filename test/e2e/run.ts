/**
 * `npm run e2e:kubernetes`: tests Larder as a whole on a real Kubernetes, installed by its chart from its image. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure, 2 for wrong arguments, which `read-arguments.ts` lists. Needs root and the
 * parts of the group e2e.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inParallel } from '../../src/kit/in-parallel.ts';
import { tempDir } from '../kit/temp.ts';
import { buildLarderImage } from './larder-image.ts';
import { readArguments, type Scenario, type Suite } from './read-arguments.ts';
import { runSuite, type Counts, type Print } from './run-suite.ts';
import { formatTask } from './suite-task.ts';

const SUITE = fileURLToPath(new URL('suite.ts', import.meta.url));

/** Clusters at once. Each waits for pods two thirds of the time: one alone takes 114 s, two 127 s. */
const AT_ONCE = 3;
/** Scenarios that compare times with those without Larder in a way that another cluster would disturb. */
const ALONE: ReadonlySet<Scenario> = new Set(['trouble']);

const show: Print = (text) => void process.stdout.write(text);

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
  const play = async (suite: Suite, print: Print): Promise<void> => {
    const task = formatTask({ ...suite, record: asked.record, image });
    const { passed, failed } = await runSuite(SUITE, task, print);
    total.passed += passed;
    total.failed += failed;
  };
  /** Shows what a suite prints once it has ended, not mixed with that of another one. */
  const playBesides = async (suite: Suite): Promise<void> => {
    const printed: string[] = [];
    await play(suite, (text) => void printed.push(text));
    show(printed.join(''));
  };
  const isAlone = ({ scenarios }: Suite): boolean =>
    asked.suites.length === 1 || scenarios.some((name) => ALONE.has(name));
  const others = asked.suites.filter((suite) => !isAlone(suite));
  await inParallel(others, AT_ONCE, playBesides, new AbortController().signal);
  for (const suite of asked.suites.filter(isAlone)) await play(suite, show);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}
