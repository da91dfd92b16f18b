import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import type { CacheMetrics } from './metrics.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import type { ContentStore, SpoolStore } from '../store/types.ts';
import { createManifests, type Manifests } from './answers/manifests.ts';
import { createPullEngine, type PullEngine } from './pull/engine.ts';
import { createRecentFailures, type RecentFailures } from './pull/recent-failures.ts';
import { createSizeHints, type SizeHints } from './pull/size-hints.ts';

/** Downloads from upstreams and the memories beside them, shared by clients' requests and repairs. */
export interface Pulls {
  readonly engine: PullEngine;
  readonly manifests: Manifests;
  readonly failures: RecentFailures;
  readonly sizes: SizeHints;
}

export interface PullsDeps {
  readonly store: ContentStore & SpoolStore;
  readonly tasks: TaskGroup;
  readonly metrics: CacheMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createPulls(deps: PullsDeps): Pulls {
  const { store, clock, logger, tasks } = deps;
  const failures = createRecentFailures(clock);
  const sizes = createSizeHints();
  return {
    failures,
    sizes,
    engine: createPullEngine({ ...deps, failures }),
    manifests: createManifests({ store, clock, logger, sizes, failures, signal: tasks.signal }),
  };
}
