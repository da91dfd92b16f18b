import type { Suite } from './read-arguments.ts';

/** Task of the process that runs the scenarios of a cluster. */
export interface SuiteTask extends Suite {
  readonly record: boolean;
  /** Directory with the built image of Larder. */
  readonly image: string;
}
