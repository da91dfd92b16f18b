import { untilAborted } from '../kit/abort.ts';
import { LarderError } from '../kit/errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { Origin } from '../store/types.ts';
import type { DamagedContent } from '../store/maintenance/maintenance.ts';
import type { Access } from './access/access.ts';
import type { Manifests } from './answers/manifests.ts';
import type { Fill } from './pull/fill.ts';
import type { PullEngine } from './pull/engine.ts';
import type { Destination, Target } from './access/target.ts';
import type { UpstreamTable } from './upstreams.ts';

export interface RepairDeps {
  /** The table of the configuration in force. */
  readonly table: () => UpstreamTable;
  readonly access: Pick<Access, 'visit'>;
  readonly pulls: Pick<PullEngine, 'running' | 'start'>;
  readonly manifests: Pick<Manifests, 'fetch'>;
  readonly isDamaged: (digest: Digest) => boolean;
}

/** See {@link createRepair}. */
export type Repair = (content: DamagedContent, signal: AbortSignal) => Promise<void>;

/**
 * Mends content from one of the repositories that it came through, in Larder's own name: with the configured credential, else as
 * a stranger. The one download of a body is shared with whoever asks for it meanwhile. Rejects with what the last of them answered,
 * with `NOT_STORED` when none of them is configured, or with the signal's reason.
 */
export function createRepair(deps: RepairDeps): Repair {
  const { table, access, pulls, manifests, isDamaged } = deps;

  return async function repair(content, signal) {
    let failure: unknown = new LarderError('NOT_STORED', 'it came from no upstream that is configured now');
    for (const origin of content.origins) {
      const destination = destinationOf(origin);
      if (destination === undefined) continue;
      const target: Target = { ...destination, requester: access.visit(destination, undefined) };
      try {
        await untilAborted(fetch(content, target, signal), signal);
        if (!isDamaged(content.digest)) return;
        failure = new LarderError('STORE_UNAVAILABLE', 'it was fetched, and could not be kept');
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
    const fill = pulls.running(target.upstream.name, digest) ?? pulls.start(target, digest, size);
    await fill.opened;
    await wholeOf(fill, signal);
  }

  /** Upstreams that are not configured any more are not asked. */
  function destinationOf({ upstream: name, repository }: Origin): Destination | undefined {
    const upstream = table().all.find((one) => one.name === name);
    return upstream === undefined
      ? undefined
      : { upstream, repository, visibleName: repository, ns: undefined };
  }
}

/** Reads along until the body is proven, without taking it: a fill that nobody reads may end before that. */
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
