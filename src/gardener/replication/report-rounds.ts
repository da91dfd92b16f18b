import { sleep } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import { inParallel } from '../../kit/in-parallel.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { ShootDeps } from '../actuator/with-shoot.ts';
import { REPORT_CONDITION, wantsReplication } from '../extensions/replication-wish.ts';
import { EXTENSIONS } from '../extensions/resources.ts';
import type { WatchedExtension, WatchedExtensions } from '../extensions/watched-extensions.ts';
import { lookAtShoot } from './look-at-shoot.ts';
import type { ReplicationSettings } from './replication-parts.ts';
import { HIBERNATED, reportCondition } from './report-condition.ts';
import { writeReport } from './report-writer.ts';

const EVERY_MS = 60_000;
/** Shoots that are asked at once. Each has a connection and at most 64 KiB of an answer. */
const CONCURRENCY = 20;

export interface ReportRoundsDeps extends ShootDeps {
  /** Client of the seed. */
  readonly client: Pick<KubeClient, 'get' | 'patch'>;
  readonly watched: WatchedExtensions;
}

export interface ReportRounds {
  /** Looks at all shoots once a minute until the signal aborts, then resolves. A round that takes longer delays the next one. */
  run(signal: AbortSignal): Promise<void>;
}

/** Keeps the condition {@link REPORT_CONDITION} on the Extensions of shoots that `RegistryConfig` objects configure, and takes it off all others. */
export function createReportRounds(
  deps: ReportRoundsDeps,
  { shootAddress }: Pick<ReplicationSettings, 'shootAddress'>,
): ReportRounds {
  const { client, clock, logger, watched } = deps;

  async function look({ metadata }: WatchedExtension, signal: AbortSignal): Promise<void> {
    const { namespace = '' } = metadata;
    const extension = await find(client, EXTENSIONS, metadata, signal);
    if (extension === undefined || extension.metadata.deletionTimestamp !== undefined) return;
    const isWanted = wantsReplication(extension.spec?.providerConfig);
    const known = extension.status?.conditions?.find(({ type }) => type === REPORT_CONDITION);
    const options = { namespace, shootAddress, wasHibernated: known?.reason === HIBERNATED };
    const state = isWanted ? reportCondition(await lookAtShoot(deps, options, signal)) : undefined;
    await writeReport(deps, extension, state, signal);
  }

  async function tryLook(extension: WatchedExtension, signal: AbortSignal): Promise<void> {
    try {
      await look(extension, signal);
    } catch (error) {
      if (signal.aborted) return;
      const { namespace } = extension.metadata;
      logger.warn('the condition of an Extension is not up to date', { namespace, error: errorText(error) });
    }
  }

  async function round(signal: AbortSignal): Promise<void> {
    const due = watched.extensions.list().filter(isDue);
    await inParallel(due, CONCURRENCY, (extension) => tryLook(extension, signal), signal);
  }

  return {
    async run(signal) {
      await watched.whenSynced(signal).catch(() => {});
      while (!signal.aborted) {
        const begunAt = clock.monotonic();
        await round(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        const leftMs = begunAt + EVERY_MS - clock.monotonic();
        // Rejects only with the signal's reason.
        if (leftMs > 0) await sleep(clock, leftMs, signal).catch(() => {});
      }
    },
  };
}

function isDue({ facts, wantsReplication: isWanted, hasReport }: WatchedExtension): boolean {
  return facts.type === 'registry-cache' && !facts.isDeleted && (isWanted || hasReport);
}
