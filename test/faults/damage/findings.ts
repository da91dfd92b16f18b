/** Judges a cell (docs/laws.md, "Right bytes"): no wrong whole body, no failed pull while the upstream is up, repaired by itself. */
import type { LarderProcess, Upstream } from '../../kit/index.ts';
import { waitFor } from '../../kit/index.ts';
import { cacheStatus } from '../setting.ts';
import { addressesOf, read, type Address, type Cell } from './cells.ts';
import { NO_DAMAGE } from './kinds.ts';
import { ask, type Verdict } from './verdict.ts';

/** Counts of `larder_corrupt_blobs_total`. */
export type Actions = Readonly<Record<'repaired' | 'quarantined' | 'refetched', number>>;

export interface Finding {
  readonly cell: Cell;
  /** Verdict of every answer, in the order of the requests. */
  readonly verdicts: Verdict[];
  /** Bytes that the upstream sent again while it was up, as a multiple of the damaged content. */
  readonly resent: number;
  /** Counts of the metric while the content was read. */
  readonly counted: Actions;
  /** Milliseconds from the upstream's return until the content was right. */
  healedMs?: number;
  /** Broken promises, in sentences. */
  readonly problems: string[];
}

export interface Setting {
  readonly upstream: Upstream;
  readonly larder: LarderProcess;
}

/** An object is right again so long after the upstream's return, at the latest. */
const HEALED_WITHIN_MS = 35_000;

/** The part of a file that has to come again when most of it is good. */
const PARTIAL_SHARE = 0.5;

/** The damage costs its bytes about once. */
const WHOLE_SHARE = 1.1;

/** A tag that has lost its manifest is asked for as well. */
const MANIFEST_SHARE = 2;

const WRONG: readonly Verdict[] = ['wrong whole', 'wrong part', 'reset'];

/** Reads what is damaged while the upstream has it: everything is right, for the price of the damage, and is a hit afterwards. */
export async function judgeWithUpstream(setting: Setting, cell: Cell): Promise<Finding> {
  const { upstream, larder } = setting;
  const before = await actionsOf(larder);
  const sentBefore = bytesFor(upstream, cell);
  const verdicts = await read(larder, cell);
  let counted = difference(await actionsOf(larder), before);
  if (mustBeFound(cell) && verdicts.every((verdict) => verdict === 'right')) {
    // A range may be there before all of it is mended.
    const isMended = async (): Promise<boolean> => {
      counted = difference(await actionsOf(larder), before);
      return counted.repaired + counted.refetched > 0;
    };
    await waitFor(isMended, { limitMs: 5000, everyMs: 20 }).catch(() => {});
  }
  const resent = (bytesFor(upstream, cell) - sentBefore) / sizeOf(cell);
  const problems = verdicts.filter((verdict) => verdict !== 'right').map((verdict) => `gave: ${verdict}`);
  const limit = costLimit(cell);
  if (resent > limit) problems.push(`cost ${resent.toFixed(2)} times its bytes, expected ${limit} at most`);
  if (mustBeFound(cell)) {
    const mended = isCheap(cell) ? counted.repaired : counted.repaired + counted.refetched;
    if (mended < 1) problems.push(`counted no ${isCheap(cell) ? 'repair' : 'repair and no new fetch'}`);
  }
  if (problems.length === 0) problems.push(...(await judgeKept(setting, cell)));
  return { cell, verdicts, resent, counted, problems };
}

/** Reads what is damaged while nobody can mend it, twice: never whole and wrong, and the second time not from the damaged object. */
export async function judgeInTrouble({ larder }: Setting, cell: Cell): Promise<Finding> {
  const before = await actionsOf(larder);
  const first = await read(larder, cell);
  const later = await read(larder, cell);
  const wasMissed = first.some((verdict) => verdict !== 'right');
  let counted = difference(await actionsOf(larder), before);
  if (mustBeFound(cell) && wasMissed) {
    // The answer may end before the file is out of service.
    const isQuarantined = async (): Promise<boolean> => {
      counted = difference(await actionsOf(larder), before);
      return counted.quarantined > 0;
    };
    await waitFor(isQuarantined, { limitMs: 5000, everyMs: 20 }).catch(() => {});
  }
  const problems: string[] = [];
  const lowest = cell.upstream === 'down' ? 500 : 400;
  // A tag may be asked for again at any time, and be refused.
  const isControl =
    cell.damage === NO_DAMAGE && !(cell.reading === 'manifest' && cell.upstream === 'refusing');
  for (const verdict of [...first, ...later]) {
    if (WRONG.includes(verdict)) problems.push(`gave: ${verdict}`);
    else if (Number(verdict) < lowest) problems.push(`gave ${verdict}, expected ${lowest} or more`);
    else if (isControl && verdict !== 'right') problems.push(`gave: ${verdict}, undamaged`);
  }
  if (cell.reading !== 'range' && later.includes('short'))
    problems.push('gave the damaged object to a later caller');
  // Nothing of an adopted file is proven, so it is hashed before its first byte is sent.
  if (cell.reading === 'adopted' && cell.moment === 'stopped' && first.includes('short')) {
    problems.push('began a body from a file that was never proven');
  }
  if (mustBeFound(cell) && wasMissed && counted.quarantined < 1) problems.push('counted no quarantine');
  return { cell, verdicts: [...first, ...later], resent: 0, counted, problems };
}

/** Waits until the cell is read right, after the upstream's return at `since`, and judges it as mended. */
export async function heal(setting: Setting, finding: Finding, since: number): Promise<void> {
  const { cell, verdicts, problems } = finding;
  if (problems.some((problem) => problem.includes('wrong'))) return;
  let isWrong = false;
  const isOver = async (): Promise<boolean> => {
    const found = await read(setting.larder, cell);
    for (const verdict of found) {
      if (!WRONG.includes(verdict)) continue;
      isWrong = true;
      verdicts.push(verdict);
      problems.push(`gave: ${verdict}, after the upstream's return`);
    }
    return isWrong || found.every((verdict) => verdict === 'right');
  };
  try {
    await waitFor(isOver, { limitMs: HEALED_WITHIN_MS - (performance.now() - since), everyMs: 250 });
  } catch {
    problems.push(`was not right ${HEALED_WITHIN_MS} ms after the upstream's return`);
    return;
  }
  if (isWrong) return;
  finding.healedMs = performance.now() - since;
  problems.push(...(await judgeKept(setting, cell)));
}

/** Current counts of `larder_corrupt_blobs_total`. */
export async function actionsOf(larder: LarderProcess): Promise<Actions> {
  const metrics = await larder.metrics();
  const count = (action: string): number => metrics.sum('larder_corrupt_blobs_total', { action });
  return { repaired: count('repaired'), quarantined: count('quarantined'), refetched: count('refetched') };
}

/** The file that is read is wrong whoever opened it when, so that it has to be noticed. */
export function mustBeFound({ damage, reading, moment }: Cell): boolean {
  return damage.isInPlace === true && moment === 'running' && reading !== 'manifest';
}

/** Most of the file is good, and Larder has stored it itself. */
function isCheap({ damage, reading }: Cell): boolean {
  return damage.isPartial === true && (reading === 'whole' || reading === 'range');
}

/** Limit of {@link Finding.resent}. */
function costLimit(cell: Cell): number {
  if (cell.damage === NO_DAMAGE) return 0;
  if (cell.reading === 'manifest') return MANIFEST_SHARE;
  return isCheap(cell) ? PARTIAL_SHARE : WHOLE_SHARE;
}

/** Checks that repaired content is served from the store from now on. */
async function judgeKept({ upstream, larder }: Setting, cell: Cell): Promise<string[]> {
  const problems: string[] = [];
  const isKept = async ({ url, blob }: Address): Promise<boolean> => {
    const sent = bytesFor(upstream, cell);
    const { verdict, answer } = await ask(url, blob);
    if (verdict !== 'right') problems.push(`gave: ${verdict}, after it was repaired`);
    // A tag is revalidated now and then.
    const isFromStore =
      answer !== undefined && cacheStatus(answer).some((part) => /^(hit|fwd-status=200)$/.test(part));
    return problems.length > 0 || (isFromStore && bytesFor(upstream, cell) === sent);
  };
  for (const address of addressesOf(larder, cell)) {
    const kept = await waitFor(() => isKept(address), { limitMs: 5000, everyMs: 50 }).catch(() => false);
    if (!kept) problems.push('is no hit after it was repaired');
  }
  return problems;
}

/** Bytes of answers with content. A refusal has a body too, and does not count. */
function bytesFor(upstream: Upstream, cell: Cell): number {
  const digest = cell.contents.map((blob) => blob.digest);
  return upstream.bodyBytes({ digest, status: [200, 206] });
}

function sizeOf(cell: Cell): number {
  return cell.contents.reduce((sum, { size }) => sum + size, 0);
}

function difference(after: Actions, before: Actions): Actions {
  return {
    repaired: after.repaired - before.repaired,
    quarantined: after.quarantined - before.quarantined,
    refetched: after.refetched - before.refetched,
  };
}
