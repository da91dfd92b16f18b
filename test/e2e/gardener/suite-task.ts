import type { Arguments } from './read-arguments.ts';

/** Task of the process that plays the scenarios. */
export interface SuiteTask extends Arguments {
  /** Directory with the built image of Larder. */
  readonly image: string;
}
