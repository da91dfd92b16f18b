import { join } from 'node:path';
import { needPart } from '../../test/parts/find.ts';
import { run } from '../../test/parts/run.ts';

export interface SinkJob {
  readonly url: string;
  /** At the same time; 1 unless told. */
  readonly callers?: number;
  /** Of each caller, one after the other; 1 unless told. */
  readonly gets?: number;
  /** The kernel throws the bytes away, in place of copying them to the caller. */
  readonly drop?: boolean;
}

export interface Drained {
  /** From the first connection to the last byte. */
  readonly seconds: number;
  /** Of all bodies. */
  readonly bytes: number;
}

const LIMIT_MS = 10 * 60_000;

/** GETs a blob and throws it away, see `sink.py`. Throws an `Error` when an answer is not 200 or not complete. */
export async function drain(job: SinkJob): Promise<Drained> {
  const { url, callers = 1, gets = 1, drop = false } = job;
  const args = [join(import.meta.dirname, 'sink.py'), JSON.stringify({ url, callers, gets, drop })];
  const { stdout } = await run(needPart('python3'), args, { limit: LIMIT_MS });
  return JSON.parse(stdout) as Drained;
}
