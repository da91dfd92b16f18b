import { before } from 'node:test';
import { diagnosis } from './diagnosis.ts';
import { NAMESPACE } from './release.ts';
import type { Setting } from './setting.ts';

/** As `before`, and prints what there is when `work` fails: the `afterEach` of a suite hears of tests, not of what comes before them. */
export function prepare(the: () => Setting, work: () => Promise<void>): void {
  before(async () => {
    try {
      await work();
    } catch (error) {
      console.log(await diagnosis(the().cluster.kubectl, NAMESPACE));
      throw error;
    }
  });
}
