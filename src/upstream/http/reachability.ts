/**
 * Judges by the attempts whether a host is reached. The attempt that began last among those that have ended decides. A request that hung
 * until the end of an outage fails late, and says nothing about the host any more.
 */
export interface Reachability {
  /** Begins an attempt. Call the returned function with the outcome, or never when the caller gave the attempt up. */
  begin(): (isReached: boolean) => void;
}

/** Calls `set` after each attempt that counts. */
export function createReachability(set: (isReached: boolean) => void): Reachability {
  let begun = 0;
  let newest = 0;
  return {
    begin() {
      begun += 1;
      const own = begun;
      return (isReached) => {
        if (own < newest) return;
        newest = own;
        set(isReached);
      };
    },
  };
}
