import { cpuSeconds, peakMegabytes } from '../measure/process-usage.ts';
import { compare, type Row } from '../measure/row.ts';
import { takeTurns, type Sample } from '../measure/samples.ts';
import { drain } from '../measure/sink.ts';
import { run } from '../../test/parts/run.ts';
import { tempDir } from '../../test/kit/index.ts';
import { startLarder, type Larder } from '../peers/larder.ts';
import type { PushedImage } from '../peers/origin.ts';
import { uncheckedBuild } from '../peers/unchecked.ts';
import type { Case } from './case.ts';
import { proveBlob } from './proof.ts';

const NAMES = ['larder', 'unchecked'] as const;

/** Factor for the usual number of GETs, because the differences are as small as 5 %. */
const WARM_TIMES = 3;

/** Cost of checking stored bytes, and of summing them as they arrive: compares the build with the same build without both. */
export const checks: Case = {
  name: 'checks',
  parts: ['python3'],
  async run({ effort, origin }) {
    using build = uncheckedBuild();
    using stores = tempDir();
    const optionsOf = (name: (typeof NAMES)[number]) => ({
      origin: origin.url,
      store: `${stores.path}/${name}`,
      ...(name === 'unchecked' && { executable: build.executable }),
    });
    const { path, layer } = await origin.push(effort.blobBytes);
    const urlOf = (larder: Larder): string => `${larder.url}${path}/blobs/${layer.digest}`;
    const rows: Row[] = [];
    {
      await using larder = await startLarder(optionsOf('larder'));
      await using unchecked = await startLarder(optionsOf('unchecked'));
      const running = { larder, unchecked };
      // One cold read and two warm ones. From the third read on, every chunk counts as right.
      for (const name of NAMES)
        for (let time = 0; time < 3; time += 1) await proveBlob(urlOf(running[name]), layer);
      for (const callers of [1, 4]) {
        const samples = await takeTurns(NAMES, effort.rounds, (name) =>
          measure(running[name], urlOf(running[name]), { callers, gets: effort.gets * WARM_TIMES }),
        );
        rows.push(
          ...rowsOf(`checked warm blob, ${callers} ${callers === 1 ? 'caller' : 'callers'}`, samples),
        );
      }
      const images: PushedImage[] = [];
      for (let round = 0; round <= effort.rounds; round += 1)
        images.push(await origin.push(effort.blobBytes));
      const cold = await takeTurns(NAMES, effort.rounds, async (name, round) => {
        const image = images[round]!;
        await run('sync', []);
        const url = `${running[name].url}${image.path}/blobs/${image.layer.digest}`;
        return await measure(running[name], url, { callers: 1, gets: 1 });
      });
      rows.push(...rowsOf('cold blob, summed', cold));
      const memory = {
        larder: [{ peak: peakMegabytes(larder.pid) }],
        unchecked: [{ peak: peakMegabytes(unchecked.pid) }],
      };
      rows.push(...compare({ what: 'checks, peak memory', unit: 'MB', better: 'less' }, memory, 'peak'));
    }
    const first = await takeTurns(NAMES, effort.rounds, async (name) => {
      await using larder = await startLarder(optionsOf(name));
      return await measure(larder, urlOf(larder), { callers: 1, gets: 1 });
    });
    return [...rows, ...rowsOf('warm blob, first time after a start', first)];
  },
};

type Quantity = 'rate' | 'cpu';

async function measure(
  { pid }: Larder,
  url: string,
  how: { callers: number; gets: number },
): Promise<Sample<Quantity>> {
  const before = cpuSeconds(pid);
  const { seconds, bytes } = await drain({ url, ...how, drop: true });
  return { rate: bytes / 1e9 / seconds, cpu: ((cpuSeconds(pid) - before) / bytes) * 1e9 };
}

function rowsOf(what: string, samples: Readonly<Record<string, readonly Sample<Quantity>[]>>): Row[] {
  return [
    ...compare({ what, unit: 'GB/s', better: 'more' }, samples, 'rate'),
    ...compare({ what: `${what}, CPU`, unit: 's/GB', better: 'less' }, samples, 'cpu'),
  ];
}
