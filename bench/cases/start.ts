import { tempDir } from '../../test/kit/index.ts';
import { compare } from '../measure/row.ts';
import { peakMegabytes } from '../measure/process-usage.ts';
import { takeTurns } from '../measure/samples.ts';
import { fillStore } from '../peers/filled-store.ts';
import { startLarder } from '../peers/larder.ts';
import type { Case } from './case.ts';

/** Time from exec to the log line that Larder is ready, with a full store and with an empty one. */
export const start: Case = {
  name: 'start',
  parts: [],
  async run({ effort, origin }) {
    using stores = tempDir();
    const store = { larder: `${stores.path}/full`, 'empty store': `${stores.path}/empty` };
    await fillStore(store.larder, effort.storeObjects, origin.url);
    const samples = await takeTurns(['larder', 'empty store'], effort.rounds, async (contestant) => {
      const begin = performance.now();
      await using larder = await startLarder({ origin: origin.url, store: store[contestant] });
      return { seconds: (performance.now() - begin) / 1000, memory: peakMegabytes(larder.pid) };
    });
    const what = `start with ${effort.storeObjects} objects`;
    return [
      ...compare({ what, unit: 's', better: 'less' }, samples, 'seconds'),
      ...compare({ what: `${what}, memory`, unit: 'MB', better: 'less' }, samples, 'memory'),
    ];
  },
};
