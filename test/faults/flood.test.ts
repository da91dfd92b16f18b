/**
 * The running program under a flood of clients of all kinds, while its upstreams refuse, cut and lie: it goes on, nobody gets a wrong byte as a
 * whole, and afterwards all is as it was. `LARDER_FLOOD_SEED` has a flood again.
 */
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { flood } from './flood/flood.ts';
import { startFloodSetting } from './flood/setting.ts';
import { censusBefore, judge } from './flood/verdict.ts';
import { HEAVY } from './setting.ts';

const SEED = Number(process.env['LARDER_FLOOD_SEED'] ?? randomInt(2 ** 31));
const FLOOD_MS = Number(process.env['LARDER_FLOOD_SECONDS'] ?? (HEAVY ? 30 : 5)) * 1000;

test('whatever clients and upstreams do, the process goes on, gives nobody wrong content, and keeps nothing of it', async (context) => {
  await using setting = await startFloodSetting();
  const before = censusBefore(setting);
  try {
    const counts = await flood(setting, { seed: SEED, ms: FLOOD_MS });
    context.diagnostic(`seed ${SEED}: ${JSON.stringify(counts)}`);
    await judge(setting, before);
  } catch (error) {
    const tails = setting.targets.map(({ larder }) =>
      larder.logs.slice(-20).map((line) => JSON.stringify(line)),
    );
    throw new Error(`LARDER_FLOOD_SEED=${SEED}: the last lines of the logs:\n${tails.flat().join('\n')}`, {
      cause: error,
    });
  }
});
