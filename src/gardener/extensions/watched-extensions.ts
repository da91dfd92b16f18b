import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import { createObjectStore, type ObjectStore } from '../../kube/informer/object-store.ts';
import { createReflector } from '../../kube/informer/reflector.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { identityOf } from '../../kube/objects/identity.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, Resource } from '../../kube/types.ts';
import { EXTENSION_TYPES } from '../names.ts';
import { CLUSTERS } from '../shoots/cluster.ts';
import { factsOf, isResponsible, type ExtensionFacts } from './extension-facts.ts';
import { REPORT_CONDITION, wantsReplication } from './replication-wish.ts';
import { EXTENSIONS, type Extension } from './resources.ts';
import { createTrimmedReads } from './trimmed-reads.ts';

/** Identity of an Extension, with all that events are judged by. */
export interface WatchedExtension extends KubeObject {
  readonly facts: ExtensionFacts;
  /** True if `RegistryConfig` objects in the shoot are wanted. */
  readonly wantsReplication: boolean;
  /** True if it has the condition {@link REPORT_CONDITION}. */
  readonly hasReport: boolean;
}

/** The Extensions of this program's types, and the names of all Clusters, as last observed: less than 1 KB for each shoot. */
export interface WatchedExtensions {
  readonly extensions: ObjectStore<WatchedExtension>;
  readonly clusters: ObjectStore<KubeObject>;
  whenSynced(signal: AbortSignal): Promise<void>;
  hasSynced(): boolean;
}

export interface WatchedExtensionsDeps {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
  readonly random: () => number;
  readonly tasks: TaskGroup;
}

/** Starts both watches. They end with the task group. */
export function watchExtensions(deps: WatchedExtensionsDeps): WatchedExtensions {
  function watch<T extends KubeObject>(
    resource: Resource,
    trim: (object: KubeObject) => T | undefined,
  ): ObjectStore<T> {
    const { store, writer } = createObjectStore<KubeObject, T>(deps);
    const reads = createTrimmedReads(deps.client, trim);
    const reflector = createReflector({ ...deps, client: reads }, { resource }, writer);
    deps.tasks.run(`watch ${resource.plural}`, (signal) => reflector.run(signal));
    return store;
  }

  const extensions = watch(EXTENSIONS, watchedExtension);
  const clusters = watch(metadataOf(CLUSTERS), identityOf);
  return {
    extensions,
    clusters,
    async whenSynced(signal) {
      await Promise.all([extensions.whenSynced(signal), clusters.whenSynced(signal)]);
    },
    hasSynced: () => extensions.hasSynced() && clusters.hasSynced(),
  };
}

/** Undefined for an Extension of another type or class, of which a seed has thousands. */
function watchedExtension(object: Extension): WatchedExtension | undefined {
  const facts = factsOf(object);
  if (!EXTENSION_TYPES.some((type) => isResponsible(facts, type))) return undefined;
  return {
    ...identityOf(object),
    facts,
    wantsReplication: wantsReplication(object.spec?.providerConfig),
    hasReport: object.status?.conditions?.some(({ type }) => type === REPORT_CONDITION) ?? false,
  };
}
