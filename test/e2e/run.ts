/**
 * `npm run e2e:kubernetes`: tests Larder as a whole on a real Kubernetes, installed by its chart from its image. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure, 2 for wrong arguments, which `read-arguments.ts` lists. Needs root and the
 * parts of the group e2e.
 */
import { fileURLToPath } from 'node:url';
import { inParallel } from '../../src/kit/in-parallel.ts';
import { readArguments, type Arguments, type Scenario, type Suite } from './read-arguments.ts';
import { runSuite, runSuites, show, type Counts, type Print } from './run-suite.ts';
import type { SuiteTask } from './suite-task.ts';

const SUITE = fileURLToPath(new URL('suite.ts', import.meta.url));

/** Clusters at once. Each waits for pods two thirds of the time: one alone takes 114 s, two 127 s. */
const AT_ONCE = 3;
/** Scenarios that compare times with those without Larder in a way that another cluster would disturb. */
const ALONE: ReadonlySet<Scenario> = new Set(['trouble']);

process.exitCode = await runSuites(readArguments(process.argv.slice(2)), playAll);

async function playAll({ suites, record }: Arguments, image: string): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0 };
  const play = async (suite: Suite, print: Print): Promise<void> => {
    const task: SuiteTask = { ...suite, record, image };
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
    suites.length === 1 || scenarios.some((name) => ALONE.has(name));
  const others = suites.filter((suite) => !isAlone(suite));
  await inParallel(others, AT_ONCE, playBesides, new AbortController().signal);
  for (const suite of suites.filter(isAlone)) await play(suite, show);
  return total;
}
