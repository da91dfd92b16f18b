/** Fills the store in its first argument until it is killed. Prints the seed of each stored body. */
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareStoreMetrics } from '../../src/store/metrics.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import { openStore } from '../../src/store/store.ts';
import { A, MIB, body, policies } from './harness.ts';

const [directory = '', firstSeed = '0'] = process.argv.slice(2);
const store = await openStore(
  {
    clock: systemClock,
    logger: silentLogger,
    metrics: declareStoreMetrics(createMetricsRegistry()),
    tasks: new TaskGroup(silentLogger),
  },
  { directory, maxBytes: 8 * MIB, policies: policies({}) },
);

await Promise.all([0, 1, 2].map((lane) => fillForever(Number(firstSeed) + lane)));

async function fillForever(first: number): Promise<void> {
  for (let seed = first; ; seed += 3) {
    const of = body(400_000, seed);
    const spool = await store.spool(of.digest, A, of.content.length);
    for (let at = spool.offset; at < of.content.length; at += 50_000) {
      await spool.append([of.content.subarray(at, at + 50_000)]);
    }
    (await spool.commit({ type: 'blob', repositoryId: A })).close();
    process.stdout.write(`${seed}\n`);
  }
}
