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
import { isAgentOf } from '../cluster/agent-pod.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { NodeProblems } from '../nodes/node-problems.ts';
import { podlessNodes } from '../cluster/podless-nodes.ts';
import type { PublishedDocument } from '../nodes/published-document.ts';
import { claimName } from '../render/stateful-set.ts';
import type { MirrorConfigObject, RegistryConfigObject } from '../cluster/resources.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import { mirrorBundleProblem } from '../secrets/bundle-problems.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import type { CacheStats } from './cache-stats.ts';
import { cacheView } from './cache-view.ts';
import { entryOf } from './entry-of.ts';
import { createSince } from './since.ts';
import { mirrorConfigStatus } from './mirror-config-status.ts';
import type { NodesInput } from './node-view.ts';
import { registryConfigStatus } from './registry-config-status.ts';

export interface StatusComposerDeps {
  readonly clock: Clock;
  readonly watched: Watched;
  readonly planner: Planner;
  readonly facts: CacheStates;
  readonly stats: (key: string) => CacheStats | undefined;
  readonly document: NodeDocumentView;
  readonly told: PublishedDocument;
  readonly nodeProblems: Pick<NodeProblems, 'of'>;
  readonly secrets: NamedSecrets;
}

/** Gathers what is known of an object, and makes its status of it. */
export function createStatusComposer(
  deps: StatusComposerDeps,
  { namespace, nodeAgent }: { readonly namespace: string; readonly nodeAgent: string },
) {
  const { clock, watched, planner, facts, stats, told } = deps;
  const podlessSince = createSince(clock);

  return async function statusOf(
    object: ConfigObject,
    removing: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<RegistryConfigStatus | MirrorConfigStatus> {
    const common = {
      asked: planner.specOf(object),
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
    const asked = planner.specOf(object);
    if (asked.kind === 'invalid') return deps.document.upstreamsOf(configId(object));
    return (asked.kind === 'caches' ? asked.caches : asked.mirrors).map(({ upstream }) => upstream);
  }

  function nodesInput(object: ConfigObject): NodesInput {
    const reports = watched.reports.list();
    const [agent] = watched.daemonSets.list();
    const total = agent?.status?.desiredNumberScheduled ?? reports.length;
    const agents = watched.agentPods.list().filter((pod) => isAgentOf(nodeAgent, pod));
    const last = told.get();
    return {
      reports,
      agents,
      podlessSince: podlessSince(podlessNodes(total, agents, reports) > 0),
      total,
      revision: last?.revision ?? '',
      isTold: (upstream) => last?.specs.get(upstream) === specId(object),
      now: clock.now(),
    };
  }

  function viewsOf(object: RegistryConfigObject) {
    const nodes = nodesInput(object);
    const owned = planner.plan().cachesOf(configId(object));
    return new Map(
      owned.map(({ key, config }) => {
        const input = {
          config,
          spec: specId(object),
          set: watched.statefulSets.get({ namespace, name: key }),
          pods: watched.pods.byIndex(BY_CACHE, key),
          claim: watched.volumeClaims.get({ namespace, name: claimName(key) }),
          facts: facts.get(key),
          stats: stats(key),
          nodes,
          before: entryOf(object, key),
          conditions: object.status?.conditions ?? [],
        };
        return [config.upstream, { ...cacheView(input), stats: input.stats }];
      }),
    );
  }

  async function bundleProblemsOf(object: MirrorConfigObject, signal: AbortSignal): Promise<string[]> {
    const asked = planner.specOf(object);
    if (asked.kind !== 'mirrors') return [];
    const problems: string[] = [];
    for (const { upstream, hosts } of asked.mirrors) {
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
      // Who tells the nodes tries again, and a status follows from that.
      return `Secret ${key.name} cannot be read: ${errorText(error)}`;
    }
  }
}
