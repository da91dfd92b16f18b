import { Agent } from 'node:http';
import { basic, get } from '../../test/kit/index.ts';
import type { Origin } from './origin.ts';

/** Enough to keep both cores busy. */
const CONNECTIONS = 16;

/** The origin remembers each request, and is told to forget them after so many. */
const CALLERS_AT_ONCE = 1_000;

/**
 * Has so many callers, each with a credential of its own, ask Larder for what `url` names at an origin that asks nobody for a login:
 * it lets all of them in, and Larder has a proof of each. Throws an `Error` when one of them is refused.
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
