import type { Arguments } from './read-arguments.ts';

/** Task of the process that plays the scenarios. */
export interface SuiteTask extends Arguments {
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
