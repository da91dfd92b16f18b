/** Finds leaks of a part of a test: sockets, listeners, timers, children, temporary directories. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { TEMP_PREFIX } from './temp.ts';
import { waitFor } from './wait.ts';

/**
 * Runs `work`, and fails if this process then has more open resources (`process.getActiveResourcesInfo`) or temporary directories of the
 * kit than before. Resources that close late, such as sockets, have `limitMs` (2000) to close. Nothing else may run in the process
 * meanwhile.
 */
export async function assertNoLeaks(work: () => Promise<void>, limitMs = 2000): Promise<void> {
  const before = census();
  await work();
  let left: string[] = [];
  const isClean = (): boolean => (left = surplus(before, census())).length === 0;
  await waitFor(isClean, { limitMs }).catch((error: unknown) => {
    throw new Error(`left behind: ${left.join(', ')}`, { cause: error });
  });
}

type Census = ReadonlyMap<string, number>;

function census(): Census {
  const counts = new Map<string, number>();
  const directories = readdirSync(tmpdir()).filter((name) => name.startsWith(TEMP_PREFIX));
  for (const name of [...process.getActiveResourcesInfo(), ...directories]) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function surplus(before: Census, after: Census): string[] {
  return [...after].flatMap(([name, count]) => {
    const more = count - (before.get(name) ?? 0);
    return more > 0 ? [`${more} x ${name}`] : [];
  });
}
