import { before } from 'node:test';
import { diagnosis } from './diagnosis.ts';
import { NAMESPACE } from './release.ts';
import type { Setting } from './setting.ts';

/** Declares a `before` hook that prints the {@link diagnosis} if `work` fails. The `afterEach` of the suite runs only after tests. */
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
