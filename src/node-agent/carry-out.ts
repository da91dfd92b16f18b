import type { Logger } from '../kit/logger.ts';
import type { CacheLinks } from './cache-links.ts';
import { checkContainerd } from './containerd/containerd-check.ts';
import type { JudgeByEvidence } from './containerd/containerd-evidence.ts';
import type { HostsDirectory } from './hosts/hosts-directory.ts';
import type { NodeDocument } from '../fleet/node-document.ts';
import { hostsFilesOf, type RelayPlace } from './node-hosts.ts';
import type { NodeStatus, NodeUpstreamStatus } from '../fleet/node-status.ts';
import { writtenStatus } from './status-reporter.ts';

export interface CarryOutDeps {
  readonly directory: HostsDirectory;
  readonly place: RelayPlace;
  /** Reason why requests to `place` do not reach this process. Undefined if they do. */
  readonly portProblem: () => Promise<string | undefined>;
  readonly cacheLinks: CacheLinks;
  readonly judge: JudgeByEvidence;
  readonly logger: Logger;
}

export interface CarryOutSettings {
  /** containerd's directory of hosts.toml files, as containerd sees it. */
  readonly configPath: string;
  /** containerd's configuration file, as this process sees it. */
  readonly containerdConfig: string;
}

export type CarryOut = (document: NodeDocument) => Promise<NodeStatus>;

/** Brings the files in step with document, gates and port, and logs each change of the resulting status. */
export function createCarryOut(
  { containerdConfig, configPath }: CarryOutSettings,
  { directory, place, portProblem, cacheLinks, judge, logger }: CarryOutDeps,
): CarryOut {
  let logged = '';

  return async function carryOut(document) {
    const problem = document.caches.length === 0 ? undefined : await portProblem();
    const isUp = (upstream: string): boolean => {
      const state = cacheLinks.target(upstream)?.gate.state;
      return problem === undefined && (state === 'open' || state === 'suspect');
    };
    const down = document.caches
      .filter(({ upstream }) => !isUp(upstream))
      .map(({ upstream }): NodeUpstreamStatus => {
        if (problem !== undefined) return { upstream, state: 'Failed', message: problem };
        const gateProblem = cacheLinks.target(upstream)?.gate.problem;
        return { upstream, state: 'Down', message: gateProblem || 'the cache has not answered yet' };
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
    logger[isFine ? 'info' : 'warn']('node status', { event: 'node-status', ...status });
  }
}

/** Status of a document of which nothing could be carried out, with what is known from the previous one. */
export function failedStatus(
  { caches, mirrors }: NodeDocument,
  previous: NodeStatus | undefined,
  message: string,
): NodeStatus {
  return {
    revision: previous?.revision ?? '',
    containerd: previous?.containerd ?? { state: 'Unknown', message: '' },
    upstreams: [...caches, ...mirrors].map(({ upstream }) => ({ upstream, state: 'Failed', message })),
  };
}
