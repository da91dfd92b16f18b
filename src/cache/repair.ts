import { untilAborted } from '../kit/abort.ts';
import { LarderError } from '../kit/errors.ts';
import type { RepositoryId } from '../store/types.ts';
import type { DamagedContent, Maintenance } from '../store/maintenance/maintenance.ts';
import type { Access } from './access/access.ts';
import type { Fill } from './pull/fill.ts';
import type { Destination, Target } from './access/target.ts';
import type { ActiveConfig } from './active-config.ts';
import type { Pulls } from './pulls.ts';

export interface RepairDeps {
  readonly active: Pick<ActiveConfig, 'table'>;
  readonly access: Pick<Access, 'requesterFor'>;
  readonly pulls: Pick<Pulls, 'engine' | 'manifests'>;
  readonly maintenance: Pick<Maintenance, 'isDamaged'>;
}

/**
 * Mends content from one of the repositories it came through, as Larder itself: with the configured credential, else
 * anonymously. The one download of a body is shared with callers who ask for it meanwhile. Rejects with the failure of the
 * last repository, with `NOT_STORED` if none of their upstreams is configured, or with the signal's reason.
 */
export type Repair = (content: DamagedContent, signal: AbortSignal) => Promise<void>;

export function createRepair({ active, access, pulls, maintenance }: RepairDeps): Repair {
  const { engine, manifests } = pulls;

  return async function repair(content, signal) {
    let failure: unknown = new LarderError('NOT_STORED', 'it came from no configured upstream');
    for (const repositoryId of content.repositoryIds) {
      const destination = destinationOf(repositoryId);
      if (destination === undefined) continue;
      const target: Target = { ...destination, requester: access.requesterFor(destination, undefined) };
      try {
        await untilAborted(fetch(content, target, signal), signal);
        if (!maintenance.isDamaged(content.digest)) return;
        failure = new LarderError('STORE_UNAVAILABLE', 'it was fetched but could not be stored');
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  };

  async function fetch(
    { digest, size, type }: DamagedContent,
    target: Target,
    signal: AbortSignal,
  ): Promise<void> {
    if (type === 'manifest') {
      await manifests.fetch(target, digest);
      return;
    }
    const fill = engine.running(target.upstream.name, digest) ?? engine.start(target, digest, size);
    await fill.opened;
    await wholeOf(fill, signal);
  }

  /** Undefined if the upstream is not configured. */
  function destinationOf({ upstream: name, repository }: RepositoryId): Destination | undefined {
    const upstream = active.table.all.find((one) => one.name === name);
    return upstream === undefined
      ? undefined
      : { upstream, repository, visibleName: repository, ns: undefined };
  }
}

/** Counts as a reader until the body is proven, because a fill without readers may end before that. */
async function wholeOf(fill: Fill, signal: AbortSignal): Promise<void> {
  const isReader = fill.retain();
  try {
    do {
      await fill.grown(fill.limit, signal);
    } while (fill.limit < (fill.size ?? Infinity));
  } finally {
    if (isReader) fill.release();
  }
}
