import { MEDIA_TYPES } from '../../test/kit/index.ts';
import { needPart } from '../../test/parts/find.ts';
import { run } from '../../test/parts/run.ts';

const CONNECTIONS = 32;

/**
 * Requests a manifest again and again over 32 kept connections for `seconds`, with this `Authorization`. Returns the answers per second.
 * Throws an `Error` if an answer is not 200 or a connection fails.
 */
export async function requestsPerSecond(
  url: string,
  seconds: number,
  authorization?: string,
): Promise<number> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-H', `Accept: ${MEDIA_TYPES.ociManifest}`];
  if (authorization !== undefined) args.push('-H', `Authorization: ${authorization}`);
  const { stdout } = await run(needPart('wrk'), [...args, url], { limit: (seconds + 30) * 1000 });
  const trouble = /^\s*(?:Non-2xx|Socket errors).*$/m.exec(stdout);
  if (trouble !== null) throw new Error(`wrk ${url}: ${trouble[0].trim()}`);
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(stdout)?.[1];
  if (rate === undefined) throw new Error(`wrk ${url} printed no rate:\n${stdout}`);
  return Number(rate);
}
