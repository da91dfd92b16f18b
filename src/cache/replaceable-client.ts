import type { Upstream } from '../upstream/types.ts';

/** A client of an upstream that stays the same object when its settings change. */
export interface ReplaceableClient {
  readonly client: Upstream;
  /** Sends new requests to `next`. Returns the previous client, whose running requests go on. */
  replace(next: Upstream): Upstream;
}

/** Wraps `first`, so that a download that began before a change of the configuration can resume after it. */
export function createReplaceableClient(first: Upstream): ReplaceableClient {
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
