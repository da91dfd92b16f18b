import type { MirrorConfigStatus } from '../../api/status/mirror-config-status.ts';
import type { RegistryConfigStatus } from '../../api/status/registry-config-status.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { ObjectKey } from '../../kube/types.ts';
import type { CacheStates } from '../caches/cache-states.ts';
import { configId } from '../cluster/config-id.ts';
import { specId } from '../cluster/spec-id.ts';
import type { Planner } from '../configs/planner.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { NodeProblems } from '../nodes/node-problems.ts';
import type { PublishedDocument } from '../nodes/published-document.ts';
import { claimName } from '../render/stateful-set.ts';
import type { MirrorConfigObject, RegistryConfigObject } from '../cluster/resources.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import { mirrorBundleProblem } from '../secrets/bundle-problems.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import { cacheView } from './cache-view.ts';
import { mirrorConfigStatus } from './mirror-config-status.ts';
import { createNodesInput } from './nodes-input.ts';
import { cacheEntryOf, registryConfigStatus } from './registry-config-status.ts';
import type { StatsPoller } from './stats-poller.ts';

export interface StatusComposerDeps {
  readonly clock: Clock;
  readonly watched: Watched;
  readonly planner: Planner;
  readonly states: Pick<CacheStates, 'get'>;
  readonly stats: Pick<StatsPoller, 'get'>;
  readonly document: NodeDocumentView;
  readonly published: PublishedDocument;
  readonly nodeProblems: Pick<NodeProblems, 'of'>;
  readonly secrets: NamedSecrets;
}

/** Gathers everything known of an object and computes its status. */
export function createStatusComposer(
  deps: StatusComposerDeps,
  settings: { readonly namespace: string; readonly nodeAgent: string },
) {
  const { clock, watched, planner, states, stats } = deps;
  const { namespace } = settings;
  const nodesInput = createNodesInput(deps, settings);

  return async function statusOf(
    object: ConfigObject,
    removing: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<RegistryConfigStatus | MirrorConfigStatus> {
    const common = {
      spec: planner.specOf(object),
      conflicts: planner.plan().conflictsOf(object),
      nodeProblems: nodeProblemsOf(object, removing),
      removing,
      now: clock.now(),
    };
    if (object.kind !== 'MirrorConfig') {
      const ours = object as RegistryConfigObject;
      return registryConfigStatus({ ...common, object: ours, views: viewsOf(ours) });
    }
    const ours = object;
    const caBundleProblems = await bundleProblemsOf(ours, signal);
    return mirrorConfigStatus({ ...common, object: ours, nodes: nodesInput(ours), caBundleProblems });
  };

  function nodeProblemsOf(object: ConfigObject, removing: readonly string[] | undefined): string[] {
    const others = new Set(
      planner
        .plan()
        .conflictsOf(object)
        .map(({ upstream }) => upstream),
    );
    return (removing ?? upstreamsOf(object)).flatMap((upstream) => {
      const problem = others.has(upstream) ? undefined : deps.nodeProblems.of(upstream);
      return problem === undefined ? [] : [`${upstream}: ${problem}`];
    });
  }

  function upstreamsOf(object: ConfigObject): readonly string[] {
    const spec = planner.specOf(object);
    if (spec.kind === 'invalid') return deps.document.upstreamsOf(configId(object));
    return (spec.kind === 'caches' ? spec.caches : spec.mirrors).map(({ upstream }) => upstream);
  }

  function viewsOf(object: RegistryConfigObject) {
    const nodes = nodesInput(object);
    const owned = planner.plan().cachesOf(configId(object));
    return new Map(
      owned.map(({ key, config }) => {
        const input = {
          config,
          currentSpec: specId(object),
          set: watched.statefulSets.get({ namespace, name: key }),
          pods: watched.pods.byIndex(BY_CACHE, key),
          claim: watched.volumeClaims.get({ namespace, name: claimName(key) }),
          known: states.get(key),
          stats: stats.get(key),
          nodes,
          before: cacheEntryOf(object, key),
          conditions: object.status?.conditions ?? [],
        };
        return [config.upstream, { ...cacheView(input), stats: input.stats }];
      }),
    );
  }

  async function bundleProblemsOf(object: MirrorConfigObject, signal: AbortSignal): Promise<string[]> {
    const spec = planner.specOf(object);
    if (spec.kind !== 'mirrors') return [];
    const problems: string[] = [];
    for (const { upstream, hosts } of spec.mirrors) {
      for (const { caBundleSecretReferenceName: name } of hosts) {
        if (name === undefined) continue;
        const problem = await bundleProblem({ namespace: object.metadata.namespace, name }, signal);
        if (problem !== undefined) problems.push(`${upstream}: ${problem}`);
      }
    }
    return problems;
  }

  async function bundleProblem(key: ObjectKey, signal: AbortSignal): Promise<string | undefined> {
    try {
      const secret = await deps.secrets.read(key, signal);
      return mirrorBundleProblem(key, secret && (secret.data ?? {}));
    } catch (error) {
      signal.throwIfAborted();
      // The reconcile of the node document tries again, and its result wakes this object.
      return `Secret ${key.name} cannot be read: ${errorText(error)}`;
    }
  }
}
