import type { Clock } from '../../kit/clock.ts';
import { isAgentOf } from '../cluster/agent-pod.ts';
import { podlessNodes } from '../cluster/podless-nodes.ts';
import { specId } from '../cluster/spec-id.ts';
import type { Watched } from '../cluster/watched.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { PublishedDocument } from '../nodes/published-document.ts';
import type { NodesInput } from './node-view.ts';

export interface NodesInputDeps {
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'reports' | 'daemonSets' | 'agentPods'>;
  readonly published: Pick<PublishedDocument, 'get'>;
}

/** Gathers what is known of the nodes, for the status of one object. */
export function createNodesInput(
  { clock, watched, published }: NodesInputDeps,
  { nodeAgent }: { readonly nodeAgent: string },
): (object: ConfigObject) => NodesInput {
  const podlessSince = createSince(clock);

  return (object) => {
    const reports = watched.reports.list();
    const [daemonSet] = watched.daemonSets.list();
    const total = daemonSet?.status?.desiredNumberScheduled ?? reports.length;
    const agents = watched.agentPods.list().filter((pod) => isAgentOf(nodeAgent, pod));
    const document = published.get();
    return {
      reports,
      agents,
      podlessSince: podlessSince(podlessNodes(total, agents, reports) > 0),
      total,
      revision: document?.revision ?? '',
      isPublished: (upstream) => document?.specs.get(upstream) === specId(object),
      now: clock.now(),
    };
  };
}

/** Returns since when a fact without a timestamp of its own is true, in milliseconds since the epoch; undefined while it is false. */
export function createSince(clock: Clock): (isTrue: boolean) => number | undefined {
  let since: number | undefined;
  return (isTrue) => {
    since = isTrue ? (since ?? clock.now()) : undefined;
    return since;
  };
}
