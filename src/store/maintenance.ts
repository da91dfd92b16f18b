import type { ScrubStats } from './scrub.ts';
import type { Store } from './types.ts';

/** What is done to a store as a whole, beside the requests for its content. */
export interface Maintenance {
  /** Undefined when it is turned off. */
  scrubStats(): ScrubStats | undefined;
}

export interface MaintainedStore extends Store {
  readonly maintenance: Maintenance;
}
