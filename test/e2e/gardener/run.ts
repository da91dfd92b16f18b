/**
 * `npm run e2e:gardener`: plays the life of a shoot that is configured from inside, in a landscape on one machine. The last line is
 * `N passed, N failed`. The exit code is 1 after a failure, 2 for wrong arguments, which `read-arguments.ts` lists. Needs root and the
 * parts of the group e2e.
 */
import { fileURLToPath } from 'node:url';
import { runSuite, runSuites, show } from '../run-suite.ts';
import { readArguments } from './read-arguments.ts';
import type { SuiteTask } from './suite-task.ts';

const SUITE = fileURLToPath(new URL('suite.ts', import.meta.url));

process.exitCode = await runSuites(readArguments(process.argv.slice(2)), (asked, image) => {
  const task: SuiteTask = { ...asked, image };
  return runSuite(SUITE, task, show);
});
