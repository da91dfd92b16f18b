import type { Clock } from '../kit/clock.ts';
import { errorText } from '../kit/errors.ts';
import { formatAddress, listen, type Address } from '../kit/listen.ts';
import type { Logger } from '../kit/logger.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { createRelayTargets } from './relay-targets.ts';
import { createCarryOut, failedStatus, type CarryOut, type CarryOutSettings } from './carry-out.ts';
import { createWakeUp } from './wake-up.ts';
import { createEvidence } from './containerd/containerd-evidence.ts';
import type { DocumentSource } from './document/document-source.ts';
import { firstDocument } from './document/first-document.ts';
import { createHostsDirectory } from './hosts/hosts-directory.ts';
import type { NodeStatus } from '../fleet/node-status.ts';
import { writtenStatus, type StatusReporter } from './status-reporter.ts';
import { isReached } from './relay/reach-check.ts';
import { createRelayCertificate } from './relay/relay-certificate.ts';
import { createRelayListener } from './relay/relay-listener.ts';
import type { RelayPlace } from './node-hosts.ts';
import { createRelay } from './relay/relay.ts';

/** Time for running answers after SIGTERM, the same as in the cache. */
const DRAIN_MS = 30_000;
/** Pause between checks of the directory and containerd's configuration while nothing else changes. */
const CHECK_MS = 8_000;

export interface NodeAgentSettings extends CarryOutSettings {
  /** Address of the relay for containerd. */
  readonly address: Address;
  /** containerd's directory of hosts.toml files, as this process sees it. */
  readonly certsDirectory: string;
}

export interface RunningNodeAgent {
  readonly relay: RelayPlace;
  /** Undefined until the document is known; nothing is written before. */
  readonly status: () => NodeStatus | undefined;
  /** Removes the files that lead to the relay, then refuses connections and lets running answers end. */
  stop(): Promise<void>;
}

export interface NodeAgentDeps {
  readonly source: DocumentSource;
  /** Undefined: the status is only logged. */
  readonly reporter?: StatusReporter | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Object graph of `larder node-agent`. Resolves once the relay listens, whether or not the document is known. While it is unknown, mirrors
 * stay as they are and the relay sends containerd on to the next host. Throws `CONFIG_INVALID` or `ADDRESS_IN_USE`; then nothing is left
 * open, and the files that lead to the address are removed as far as possible. The log names the others.
 */
export async function startNodeAgent(
  settings: NodeAgentSettings,
  { source, reporter, clock, logger }: NodeAgentDeps,
): Promise<RunningNodeAgent> {
  const directory = createHostsDirectory(settings.certsDirectory, clock);
  let address = settings.address;
  // A killed agent has left files, and its key is lost.
  await removeRelayFiles();
  let document = await source.read();
  const certificate = await createRelayCertificate(address.host);
  const tasks = new TaskGroup(logger);
  const carryOutLoop = new TaskGroup(logger);
  await using cleanup = new AsyncDisposableStack();
  const wakeUp = createWakeUp(clock);
  const relayTargets = createRelayTargets({ clock, logger, tasks, onChange: () => wakeUp.notify() });
  const relay = createRelay((upstream) => relayTargets.target(upstream));
  const listener = createRelayListener(relay, certificate, clock);
  const carryOutWith = (portProblem: () => Promise<string | undefined>): CarryOut =>
    createCarryOut(settings, {
      directory,
      place: place(),
      portProblem,
      relayTargets,
      judge: createEvidence(listener.server),
      logger,
    });
  try {
    address = await listen(listener.server, address, '--address');
  } catch (error) {
    await carryOutWithoutPort(errorText(error));
    throw error;
  }
  cleanup.defer(() => directory.settle());
  cleanup.defer(() => tasks.close());
  // Caches are probed until the last answer has ended.
  cleanup.defer(async () => {
    await listener.stop(DRAIN_MS);
    relayTargets.close();
  });
  cleanup.defer(removeRelayFiles);
  cleanup.defer(() => carryOutLoop.close());
  const carryOut = carryOutWith(async () =>
    (await isReached(listener.server, address, clock)) ? undefined : portIsTaken(place()),
  );
  let status: NodeStatus | undefined;

  if (document !== undefined) relayTargets.apply(document);
  tasks.run('follow the node document', (signal) =>
    source.watch(signal, (changed) => {
      document = changed;
      relayTargets.apply(changed);
      wakeUp.notify();
      logger.info('node document changed', { event: 'document-applied', revision: changed.revision });
    }),
  );
  if (reporter !== undefined) tasks.run('report the node status', (signal) => reporter.run(signal));
  await carryOutLatest();
  carryOutLoop.run('carry out the node document', async (signal) => {
    while (await wakeUp.next(CHECK_MS, signal)) await carryOutLatest();
  });

  const owned = cleanup.move();
  return { relay: place(), status: () => status, stop: () => owned.disposeAsync() };

  function place(): RelayPlace {
    return { url: `https://${formatAddress(address)}`, ca: certificate.ca };
  }

  async function carryOutLatest(): Promise<void> {
    await relayTargets.whenProbed();
    if (document === undefined || carryOutLoop.signal.aborted) return;
    try {
      status = await carryOut(document);
    } catch (error) {
      // An unreadable directory may be readable at the next check. Until then the status must not claim that the document is carried out.
      const why = errorText(error);
      status = failedStatus(document, status, `${settings.certsDirectory}: ${why}`);
      logger.error('cannot carry out the node document', { event: 'carry-out-failed', error: why });
    }
    reporter?.report(status);
  }

  /** Removes the files that lead to the relay. Those of mirrors lead elsewhere and stay. */
  async function removeRelayFiles(): Promise<void> {
    const at = formatAddress(address);
    try {
      const left = await directory.removeLeadingTo([`https://${at}`, `http://${at}`]);
      for (const { message } of left)
        logger.error('cannot remove a hosts.toml that leads to the relay', { error: message });
    } catch (error) {
      logger.error('hosts.toml files may still lead to the relay', { error: errorText(error) });
    }
  }

  /** Carries out the parts that need no port and reports the whole, before the process ends. */
  async function carryOutWithoutPort(problem: string): Promise<void> {
    if (reporter === undefined) return;
    try {
      const latest = (await firstDocument(source, clock)) ?? document;
      if (latest === undefined) return;
      const carryOut = carryOutWith(() => Promise.resolve(problem));
      await reporter.last(await carryOut(latest));
    } catch (error) {
      logger.warn('cannot report the node status', { error: errorText(error) });
    }
  }
}

function portIsTaken({ url }: RelayPlace): string {
  return `connections to ${url} do not arrive at the agent: something else on this node has the port, such as a Pod with that hostPort`;
}

/** Removes everything that agents have written below `root`. */
export async function uninstallNodeAgent(root: string, clock: Clock): Promise<NodeStatus['upstreams']> {
  const directory = createHostsDirectory(root, clock);
  const left = await directory.apply([]);
  await directory.settle();
  return left.map(writtenStatus);
}
