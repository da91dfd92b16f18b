import type { Suite } from './read-arguments.ts';

/** What `run.ts` asks of the process that runs the scenarios of a cluster. */
export interface SuiteTask extends Suite {
  readonly record: boolean;
  /** Where the image of Larder was built. */
  readonly image: string;
}

/** As the one argument of that process. */
export function formatTask(task: SuiteTask): string {
  return JSON.stringify(task);
}

export function parseTask(text = ''): SuiteTask {
  return JSON.parse(text) as SuiteTask;
}
