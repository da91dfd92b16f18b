import type { Suite } from './read-arguments.ts';

/** Task of the process that runs the scenarios of a cluster. */
export interface SuiteTask extends Suite {
  readonly record: boolean;
  /** Directory with the built image of Larder. */
  readonly image: string;
}

/** Formats a task as the only argument of that process. */
export function formatTask(task: SuiteTask): string {
  return JSON.stringify(task);
}

export function parseTask(text = ''): SuiteTask {
  return JSON.parse(text) as SuiteTask;
}
