/** Runs the table of cells, all of one store in one process: few processes, many cells. */
import { join } from 'node:path';
import {
  blobOf,
  get,
  startUpstream,
  tempDir,
  waitFor,
  type LarderProcess,
  type Upstream,
} from '../../kit/index.ts';
import { blobUrl, cacheStatus, startCache } from '../setting.ts';
import {
  addressesOf,
  cellsOf,
  pushCell,
  type Address,
  type Cell,
  type Reading,
  type UpstreamState,
} from './cells.ts';
import { distributionPath, writeDistributionStore } from './distribution-store.ts';
import { heal, judgeInTrouble, judgeWithUpstream, type Finding, type Setting } from './findings.ts';
import { inParallel } from './in-parallel.ts';
import { blobPath } from '../../store/paths.ts';
import { damageAll } from './kinds.ts';
import { ask } from './verdict.ts';

/** Readings of content that Larder stored itself share one store. Adopted blobs need a store of their own. */
const STORED_READINGS: readonly Reading[] = ['whole', 'range', 'manifest'];
const ADOPTED_READINGS: readonly Reading[] = ['adopted'];

/** In a repository that is never refused, never damaged: whatever happens to others, it is right. */
const BYSTANDER = { repository: 'cells/bystander', blob: blobOf(300_000, 1) };

const PARALLEL = 8;

/** {@link runCells} for all readings, the two stores at the same time. */
export async function runAllCells(): Promise<Finding[]> {
  return (await Promise.all([runCells(STORED_READINGS), runCells(ADOPTED_READINGS)])).flat();
}

/**
 * Fills a store, damages a part of it while it is stopped, starts, damages the rest while it runs, and reads it all with the upstream
 * up, down and refusing.
 *
 * @throws Error when a control fails: a store that cannot be filled, a process that ends.
 */
async function runCells(readings: readonly Reading[]): Promise<Finding[]> {
  const cells = cellsOf(readings);
  await using upstream = await startUpstream();
  upstream.push(BYSTANDER.repository, BYSTANDER.blob);
  for (const cell of cells) pushCell(upstream, cell);
  using directory = tempDir();
  const store = join(directory.path, 'store');
  const isAdopted = readings.includes('adopted');
  if (isAdopted) writeAdopted(store, cells);
  else await fillStore(upstream, store, cells);
  const stopped = cells.filter(({ moment }) => moment === 'stopped');
  damageCells(stopped, store, isAdopted ? distributionPath : blobPath);

  await using larder = await startCache(upstream, { store });
  await warm(larder, cells);
  upstream.reset();
  const setting = { upstream, larder };
  const findings: Finding[] = [];
  for (const state of ['up', 'down', 'refusing'] as const) {
    const here = cells.filter((cell) => cell.upstream === state);
    damageCells(
      here.filter((cell) => cell.moment === 'running'),
      store,
      blobPath,
    );
    findings.push(...(await PHASES[state](setting, here)));
  }
  return findings;
}

const PHASES: Record<UpstreamState, (setting: Setting, cells: readonly Cell[]) => Promise<Finding[]>> = {
  up: (setting, cells) => inParallel(cells, 1, (cell) => judgeWithUpstream(setting, cell)),

  async down(setting, cells) {
    const { upstream } = setting;
    await upstream.refuse();
    const findings = await inParallel(cells, 1, async (cell) => {
      const finding = await judgeInTrouble(setting, cell);
      await judgeOthers(setting, finding, true);
      return finding;
    });
    await upstream.accept();
    await healAll(setting, findings);
    return findings;
  },

  async refusing(setting, cells) {
    const { upstream } = setting;
    const statuses = [...new Set(cells.map(({ refusal }) => refusal))];
    const refusals = statuses.map((status) => {
      const repository = cells.filter(({ refusal }) => refusal === status).map((cell) => cell.repository);
      return upstream.faults.add({ match: { repository }, status });
    });
    const findings = await inParallel(cells, 1, async (cell) => {
      const finding = await judgeInTrouble(setting, cell);
      await judgeOthers(setting, finding, false);
      return finding;
    });
    for (const refusal of refusals) refusal.remove();
    await healAll(setting, findings);
    return findings;
  },
};

/** The damage of one is nobody else's: not of another repository's, and of its own only where the upstream refuses that as a whole. */
async function judgeOthers({ larder }: Setting, { cell, problems }: Finding, itsOwn: boolean): Promise<void> {
  const others = [BYSTANDER, ...(itsOwn ? [{ repository: cell.repository, blob: cell.neighbour }] : [])];
  for (const { repository, blob } of others) {
    const { verdict, answer } = await ask(blobUrl(larder, repository, blob), blob);
    if (verdict === 'right') continue;
    const status = String(answer?.headers['cache-status']);
    problems.push(`another blob (${repository}) gave meanwhile: ${verdict} (${status})`);
  }
}

async function healAll(setting: Setting, findings: readonly Finding[]): Promise<void> {
  const since = performance.now();
  await inParallel(findings, findings.length, (finding) => heal(setting, finding, since));
}

async function fillStore(upstream: Upstream, store: string, cells: readonly Cell[]): Promise<void> {
  await using larder = await startCache(upstream, { store });
  await readWhole(
    larder,
    cells.flatMap((cell) => [...addressesOf(larder, cell), neighbourOf(larder, cell)]),
  );
  await larder.stop();
}

function writeAdopted(store: string, cells: readonly Cell[]): void {
  for (const { repository, contents, neighbour } of cells) {
    writeDistributionStore(store, repository, [...contents, neighbour]);
  }
}

function damageCells(
  cells: readonly Cell[],
  store: string,
  pathOf: (store: string, digest: string) => string,
): void {
  damageAll(
    cells.map(({ damage, contents }) => ({
      damage,
      paths: contents.map(({ digest }) => pathOf(store, digest)),
    })),
  );
}

/** Proves every caller while the upstream can be asked, and reads what is to be damaged, as a running program does. */
async function warm(larder: LarderProcess, cells: readonly Cell[]): Promise<void> {
  const bystander = blobUrl(larder, BYSTANDER.repository, BYSTANDER.blob);
  // A store that counts files for more than 2 s after its start stores nothing new meanwhile.
  await waitFor(async () => cacheStatus(await get(bystander)).includes('hit'), { everyMs: 50 });
  await readWhole(
    larder,
    cells.flatMap((cell) => [
      // Manifests are kept in memory once they are read: that would be no file's reading.
      ...(cell.moment === 'running' && cell.reading !== 'manifest' ? addressesOf(larder, cell) : []),
      neighbourOf(larder, cell),
    ]),
  );
}

function neighbourOf(larder: LarderProcess, { repository, neighbour }: Cell): Address {
  return { url: blobUrl(larder, repository, neighbour), blob: neighbour };
}

async function readWhole(larder: LarderProcess, addresses: readonly Address[]): Promise<void> {
  await inParallel(addresses, PARALLEL, async ({ url, blob }) => {
    const { verdict } = await ask(url, blob);
    if (verdict !== 'right') throw new Error(`${url} gave, undamaged: ${verdict}`);
  });
}
