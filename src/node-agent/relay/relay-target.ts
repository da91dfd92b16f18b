import type { HealthGate } from '../gate/health-gate.ts';
import type { CacheClient } from '../cache-client/cache-client.ts';

/** Where requests for an upstream go. */
export interface RelayTarget {
  readonly upstream: string;
  readonly gate: HealthGate;
  readonly client: CacheClient;
  /** Something looks wrong: the cache is to be probed now. */
  readonly hurry: () => void;
}
