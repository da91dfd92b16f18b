import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Intent, KubeClient, KubeObject, Resource } from '../types.ts';
import { canonical } from './canonical.ts';
import { objectId } from './object-id.ts';
import { isNotAfter } from '../resource-version.ts';

/** Default pause between two writes of one object's status. Every watcher receives each of them. */
const EVERY_MS = 1_000;
const REMEMBERED = 10_000;

/** An object with a status subresource. */
export interface WithStatus extends KubeObject {
  readonly status?: unknown;
}

export type StatusOutcome<T extends KubeObject> =
  | { readonly kind: 'written' | 'unchanged'; readonly object: T }
  /** Too soon after the last write. Requeue after this time and compute the status again. */
  | { readonly kind: 'later'; readonly afterMs: number };

export interface StatusWriter {
  /**
   * Brings the status of `observed` to `status`, which is complete and entirely ours. Sends nothing if the status is right, or sooner than
   * `everyMs` after the last write.
   */
  write<T extends WithStatus>(
    resource: Resource<T>,
    observed: T,
    status: T['status'],
    signal: AbortSignal,
    everyMs?: number,
  ): Promise<StatusOutcome<T>>;
}

export interface StatusWriterDeps {
  readonly client: Pick<KubeClient, 'apply'>;
  readonly clock: Clock;
}

/** `fieldManager`: used for the status alone, `<program>/<controller>-status`. */
export function createStatusWriter(
  { client, clock }: StatusWriterDeps,
  { fieldManager }: { readonly fieldManager: string },
): StatusWriter {
  const written = createRecentMap<string, Written>(REMEMBERED);
  return {
    async write(resource, observed, status, signal, everyMs = EVERY_MS) {
      const id = objectId(resource, observed.metadata);
      const wanted = canonical(status);
      const last = written.get(id);
      const isStale = last !== undefined && isNotAfter(observed, last.version);
      if (wanted === (isStale ? last.status : canonical(observed.status)))
        return { kind: 'unchanged', object: observed };
      const afterMs = last === undefined ? 0 : last.at + everyMs - clock.monotonic();
      if (afterMs > 0) return { kind: 'later', afterMs };
      const { apiVersion, kind, metadata } = observed;
      const { name, namespace, uid } = metadata;
      // With the uid, so that a new object of the same name does not get this status.
      const identity = {
        name,
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
      };
      const intent = { apiVersion, kind, metadata: identity, status } as Intent<typeof observed>;
      const options = { fieldManager, force: true, subresource: 'status', signal } as const;
      const object = await client.apply(resource, intent, options);
      written.set(id, {
        status: wanted,
        version: object.metadata.resourceVersion,
        at: clock.monotonic(),
      });
      return { kind: 'written', object };
    },
  };
}

interface Written {
  readonly status: string;
  readonly version: string | undefined;
  /** Time on the monotonic clock. */
  readonly at: number;
}
