/** Where a controller learns which keys to look at: a cache with a function from objects to keys, a timer, a watched file. */
export interface KeySource {
  /**
   * Calls `handler` for each key whose world may have changed, from the moment of this call on, the initial state included. It is called
   * synchronously and never throws; it may say too much, never too little.
   */
  onChange(handler: (key: string) => void): void;
  /** Resolves when the whole initial state has been passed on; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
}
