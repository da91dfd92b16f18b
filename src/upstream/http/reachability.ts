/**
 * Whether a host is reached, as its last attempt tells: the one that began last of those that have ended. What an earlier one says when it
 * ends late, as a request does that hung until the end of an outage, is old.
 */
export interface Reachability {
  /** An attempt begins. Call what is returned with how it ended, or never when it was given up. */
  begin(): (isReached: boolean) => void;
}

/** Tells `set` after each attempt that counts. */
export function createReachability(set: (isReached: boolean) => void): Reachability {
  let begun = 0;
  let told = 0;
  return {
    begin() {
      begun += 1;
      const own = begun;
      return (isReached) => {
        if (own < told) return;
        told = own;
        set(isReached);
      };
    },
  };
}
