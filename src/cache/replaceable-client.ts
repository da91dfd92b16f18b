import type { Upstream } from '../upstream/types.ts';

/** The client of an upstream that outlives changes of its settings. */
export interface LastingClient {
  readonly client: Upstream;
  /** New requests go to `next` from now on; gives the one before, whose requests go on. */
  replace(next: Upstream): Upstream;
}

/** Wraps `first`, so that a download which began before a change of the configuration is resumed after it. */
export function createLastingClient(first: Upstream): LastingClient {
  let current = first;
  return {
    client: {
      get name() {
        return current.name;
      },
      request: (request) => current.request(request),
      logIn: (request) => current.logIn(request),
      close: () => current.close(),
    },
    replace(next) {
      const before = current;
      current = next;
      return before;
    },
  };
}
