import type { Clock } from '../kit/clock.ts';
import { errorText } from '../kit/errors.ts';
import { formatAddress, listen, type Address } from '../kit/listen.ts';
import type { Logger } from '../kit/logger.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { createCaches, type Caches } from './caches.ts';
import { createChanges } from './changes.ts';
import { checkContainerd } from './containerd/containerd-check.ts';
import { createEvidence, type JudgeByEvidence } from './containerd/containerd-evidence.ts';
import type { DocumentSource } from './document/document-source.ts';
import { createHostsDirectory } from './hosts/hosts-directory.ts';
import type { NodeDocument } from './node-document.ts';
import { hostsFilesOf } from './node-hosts.ts';
import { writtenStatus, type NodeStatus, type StatusReporter, type UpstreamStatus } from './node-status.ts';
import { createRelayListener } from './relay/relay-listener.ts';
import { createRelay } from './relay/relay.ts';

/** Running answers may take this long after SIGTERM, as with the cache. */
const DRAIN_MS = 30_000;
/** How often the directory and containerd's configuration are looked at although nothing has changed here. */
const LOOK_AGAIN_MS = 10_000;

export interface NodeAgentSettings {
  /** Where containerd finds the relay. */
  readonly address: Address;
  /** containerd's `config_path`, as this process sees it. */
  readonly certsDirectory: string;
  /** The same, as containerd sees it. */
  readonly configPath: string;
  readonly containerdConfig: string;
}

export interface RunningNodeAgent {
  readonly relayUrl: string;
  /** Undefined while nobody knows what is to be done, and nothing was written. */
  readonly status: () => NodeStatus | undefined;
  /** Refuses connections at once and lets running answers end. Files stay: see README. */
  stop(): Promise<void>;
}

export interface NodeAgentDeps {
  readonly source: DocumentSource;
  /** Undefined: what the node has made of its document is in the log alone. */
  readonly reporter?: StatusReporter | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The object graph of `larder node-agent`. Resolves when the relay listens, whether the document is known by then or not: as long as it is
 * not, files of before stay, and the relay sends containerd on. Throws `CONFIG_INVALID` or `ADDRESS_IN_USE`, with nothing left open and
 * nothing written.
 */
export async function startNodeAgent(
  settings: NodeAgentSettings,
  { source, reporter, clock, logger }: NodeAgentDeps,
): Promise<RunningNodeAgent> {
  let document = await source.read();
  const tasks = new TaskGroup(logger);
  await using cleanup = new AsyncDisposableStack();
  const changes = createChanges(clock);
  const caches = createCaches({ clock, logger, tasks, onChange: () => changes.notify() });
  const listener = createRelayListener(createRelay((upstream) => caches.target(upstream)));
  const address = await listen(listener.server, settings.address, '--address');
  cleanup.defer(async () => {
    await listener.stop(clock, DRAIN_MS);
    caches.close();
  });
  cleanup.defer(() => tasks.close());
  const relayUrl = `http://${formatAddress(address)}`;
  const carryOut = createCarryOut(settings, relayUrl, {
    caches,
    judge: createEvidence(listener.server),
    logger,
  });
  let status: NodeStatus | undefined;

  if (document !== undefined) caches.apply(document);
  tasks.run('follow the document', (signal) =>
    source.watch(signal, (changed) => {
      document = changed;
      caches.apply(changed);
      changes.notify();
      logger.info('document changed', { event: 'document-applied', revision: changed.revision });
    }),
  );
  if (reporter !== undefined) tasks.run('report the state of this node', (signal) => reporter.run(signal));
  await carryOutLatest();
  tasks.run('carry out the document', async (signal) => {
    while (await changes.next(LOOK_AGAIN_MS, signal)) await carryOutLatest();
  });

  const owned = cleanup.move();
  return { relayUrl, status: () => status, stop: () => owned.disposeAsync() };

  async function carryOutLatest(): Promise<void> {
    // Files of before stay while their caches answer.
    await caches.judged();
    if (document === undefined || tasks.signal.aborted) return;
    try {
      status = await carryOut(document);
    } catch (error) {
      // A directory that cannot be read now may be readable at the next look; what is not known to be carried out is not reported so.
      const why = errorText(error);
      status = failedStatus(document, status, `${settings.certsDirectory}: ${why}`);
      logger.error('the document cannot be carried out', { event: 'carry-out-failed', error: why });
    }
    reporter?.report(status);
  }
}

/** Takes away everything that an agent has written below `directory`. */
export async function uninstallNodeAgent(directory: string): Promise<NodeStatus['upstreams']> {
  return (await createHostsDirectory(directory).apply([])).map(writtenStatus);
}

/** That nothing of a document could be done, beside what is known of before. */
function failedStatus(
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

/** Brings files in step with document and gates, and says in the log what has changed about that. */
function createCarryOut(
  settings: NodeAgentSettings,
  relayUrl: string,
  { caches, judge, logger }: { caches: Caches; judge: JudgeByEvidence; logger: Logger },
): (document: NodeDocument) => Promise<NodeStatus> {
  const directory = createHostsDirectory(settings.certsDirectory);
  let logged = '';

  return async function carryOut(document) {
    const isUp = (upstream: string): boolean => {
      const state = caches.target(upstream)?.gate.state;
      return state === 'open' || state === 'suspect';
    };
    const down: UpstreamStatus[] = document.caches
      .filter(({ upstream }) => !isUp(upstream))
      .map(({ upstream }) => ({
        upstream,
        state: 'Down',
        message: caches.target(upstream)?.gate.problem || 'the cache has not answered yet',
      }));
    const outcomes = await directory.apply(hostsFilesOf(document, relayUrl, isUp));
    const status: NodeStatus = {
      revision: document.revision,
      containerd: judge(await checkContainerd(settings.containerdConfig, settings.configPath)),
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
