import assert from 'node:assert/strict';
import { get, measureMachine, pullImage, waitFor, type LogLine } from '../../kit/index.ts';
import { censusOf, type Census } from '../census.ts';
import { ALICE, type FloodSetting, type Target } from './setting.ts';
import { PRIVATE, PUBLIC } from './shelf.ts';

/** After the end of a fault everything is normal within 10 s (docs/laws.md, "Do no harm"). */
const RECOVERY = { limitMs: 10_000, everyMs: 100 };
/** A fill that nobody reads ends after 10 s. */
const SETTLED = { limitMs: 20_000, everyMs: 100 };
/** Without an answer under way; one that never ends would take 30 s. */
const STOP_MS = 10_000;

/** Files and sockets of each process before the flood. */
export function censusBefore({ targets }: FloodSetting): readonly (Census | undefined)[] {
  return targets.map(({ larder }) => censusOf(larder.pid));
}

/** Judges each process after a flood: it lives, serves as before, logs no error, holds nothing, and ends on request. */
export async function judge(setting: FloodSetting, before: readonly (Census | undefined)[]): Promise<void> {
  await Promise.all(setting.targets.map(serves));
  await Promise.all(setting.targets.map((target, index) => holdsNothing(target, before[index])));
  const { limit } = await measureMachine();
  for (const { larder } of setting.targets) {
    const stoppedAt = performance.now();
    assert.deepEqual(await larder.stop(), { code: 0, signal: null }, 'it ends on request');
    assert.ok(performance.now() - stoppedAt < limit(STOP_MS), 'no answer is under way any more');
    assert.deepEqual(larder.logs.filter(isComplaint), [], 'its log has no complaint');
  }
}

async function serves({ larder, ca, sources }: Target): Promise<void> {
  const trust = ca === undefined ? {} : { ca };
  await waitFor(async () => (await get(`${larder.admin}/healthz`)).status === 200, {
    ...RECOVERY,
    what: '/healthz',
  });
  await Promise.all(
    sources.flatMap(({ upstream }) =>
      [PUBLIC, PRIVATE].map((repository) =>
        waitFor(
          () => pullImage(larder.registry, repository, 'list', { ...trust, ns: upstream.host, login: ALICE }),
          { ...RECOVERY, what: `a pull of ${upstream.host}/${repository}` },
        ),
      ),
    ),
  );
}

async function holdsNothing({ larder, sources }: Target, before: Census | undefined): Promise<void> {
  await waitFor(async () => (await larder.metric('larder_fills_in_progress')) === 0, {
    ...SETTLED,
    what: 'no fill',
  });
  if (before === undefined) return;
  let now = before;
  const isAsBefore = (): boolean => {
    // Connections that it keeps to its upstreams for the next request are no remains of the flood.
    for (const { upstream } of sources) {
      for (const origin of [upstream, upstream.cdn, upstream.tokenServer]) origin?.hangUp();
    }
    now = censusOf(larder.pid) ?? before;
    return now.sockets <= before.sockets && now.files <= before.files;
  };
  await waitFor(isAsBefore, { ...SETTLED, what: 'what it held open before' }).catch((error: unknown) => {
    throw new Error(`before the flood ${JSON.stringify(before)}, after it ${JSON.stringify(now)}`, {
      cause: error,
    });
  });
}

/** Errors, and whatever Node.js has to say. What an upstream does wrong is a warning. */
function isComplaint({ level }: LogLine): boolean {
  return level !== 'info' && level !== 'warn';
}
