import type { Logger } from '../kit/logger.ts';
import type { Caches } from './caches.ts';
import { checkContainerd } from './containerd/containerd-check.ts';
import type { JudgeByEvidence } from './containerd/containerd-evidence.ts';
import type { HostsDirectory } from './hosts/hosts-directory.ts';
import type { NodeDocument } from './node-document.ts';
import { hostsFilesOf } from './node-hosts.ts';
import { writtenStatus, type NodeStatus, type UpstreamStatus } from './node-status.ts';
import type { RelayPlace } from './relay/relay-place.ts';

export interface CarryOutDeps {
  readonly directory: HostsDirectory;
  readonly place: RelayPlace;
  /** Whether who asks there asks this process. */
  readonly isReached: () => Promise<boolean>;
  readonly caches: Caches;
  readonly judge: JudgeByEvidence;
  readonly logger: Logger;
}

export interface CarryOutSettings {
  /** containerd's directory of hosts.toml files, as containerd sees it. */
  readonly configPath: string;
  /** Configuration of containerd, as this process sees it. */
  readonly containerdConfig: string;
}

/** Brings files in step with document, gates and port, and says in the log what has changed about that. */
export function createCarryOut(
  { containerdConfig, configPath }: CarryOutSettings,
  { directory, place, isReached, caches, judge, logger }: CarryOutDeps,
): (document: NodeDocument) => Promise<NodeStatus> {
  let logged = '';

  return async function carryOut(document) {
    const hasPort = document.caches.length === 0 || (await isReached());
    const isUp = (upstream: string): boolean => {
      const state = caches.target(upstream)?.gate.state;
      return hasPort && (state === 'open' || state === 'suspect');
    };
    const down = document.caches
      .filter(({ upstream }) => !isUp(upstream))
      .map(({ upstream }): UpstreamStatus => {
        if (!hasPort) return { upstream, state: 'Failed', message: portIsTaken(place) };
        const problem = caches.target(upstream)?.gate.problem;
        return { upstream, state: 'Down', message: problem || 'the cache has not answered yet' };
      });
    const outcomes = await directory.apply(hostsFilesOf(document, place, isUp));
    const status: NodeStatus = {
      revision: document.revision,
      containerd: judge(await checkContainerd(containerdConfig, configPath)),
      upstreams: [...outcomes.map(writtenStatus), ...down],
    };
    log(status);
    return status;
  };

  function log(status: NodeStatus): void {
    const text = JSON.stringify(status);
    if (text === logged) return;
    logged = text;
    const isFine =
      status.containerd.state === 'Set' && status.upstreams.every(({ state }) => state === 'Ready');
    logger[isFine ? 'info' : 'warn']('state of this node', { event: 'node-status', ...status });
  }
}

function portIsTaken({ url }: RelayPlace): string {
  return `connections to ${url} do not arrive at the agent: something else on this node has the port, such as a Pod with that hostPort`;
}

/** That nothing of a document could be done, beside what is known of before. */
export function failedStatus(
  { caches, mirrors }: NodeDocument,
  before: NodeStatus | undefined,
  message: string,
): NodeStatus {
  return {
    revision: before?.revision ?? '',
    containerd: before?.containerd ?? { state: 'Unknown', message: '' },
    upstreams: [...caches, ...mirrors].map(({ upstream }) => ({ upstream, state: 'Failed', message })),
  };
}
