import { Agent } from 'node:http';
import { basic, get } from '../../test/kit/index.ts';
import type { Origin } from './origin.ts';

/** Number of connections that keeps both cores busy. */
const CONNECTIONS = 16;

/** Number of requests after which the origin is reset, because it remembers each one. */
const CALLERS_AT_ONCE = 1_000;

/**
 * Lets `callers` callers, each with a credential of its own, GET `url` from Larder. The origin requires no login and serves all of them,
 * so Larder has a proof of each caller. Throws an `Error` if a caller is refused.
 */
export async function introduce(callers: number, url: string, origin: Origin): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const introduceOne = async (number: number): Promise<void> => {
    const authorization = basic(`caller-${number}`, 'may-read-what-is-private');
    const { status } = await get(url, { agent, headers: { authorization } });
    if (status !== 200) throw new Error(`GET ${url} gave ${status} to caller ${number}`);
  };
  try {
    for (let first = 0; first < callers; first += CALLERS_AT_ONCE) {
      const count = Math.min(CALLERS_AT_ONCE, callers - first);
      await Promise.all(Array.from({ length: count }, (_, index) => introduceOne(first + index)));
      await origin.reset();
    }
  } finally {
    agent.destroy();
  }
}
