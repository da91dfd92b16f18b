import { join } from 'node:path';
import { needPart } from '../../test/parts/find.ts';
import { run } from '../../test/parts/run.ts';

export interface SinkJob {
  readonly url: string;
  /** Number of callers at the same time. Default: 1. */
  readonly callers?: number;
  /** Number of GETs of each caller, one after the other. Default: 1. */
  readonly gets?: number;
  /** Lets the kernel drop the bytes instead of copying them to the caller. */
  readonly drop?: boolean;
}

export interface Drained {
  /** Time from the first connection to the last byte. */
  readonly seconds: number;
  /** Size of all bodies together. */
  readonly bytes: number;
}

const LIMIT_MS = 10 * 60_000;

/** GETs a blob and drops its bytes (`sink.py`). Throws an `Error` if an answer is not 200 or not complete. */
export async function drain(job: SinkJob): Promise<Drained> {
  const { url, callers = 1, gets = 1, drop = false } = job;
  const args = [join(import.meta.dirname, 'sink.py'), JSON.stringify({ url, callers, gets, drop })];
  const { stdout } = await run(needPart('python3'), args, { limit: LIMIT_MS });
  return JSON.parse(stdout) as Drained;
}
