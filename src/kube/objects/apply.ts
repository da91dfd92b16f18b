import { createRecentMap } from '../../kit/recent-map.ts';
import { isConflict, isKubeError, type KubeError } from '../kube-error.ts';
import type { Intent, KubeClient, KubeObject, Resource } from '../types.ts';
import { canonicalHash } from './canonical.ts';
import { objectId } from './object-id.ts';
import { isNotAfter } from '../resource-version.ts';

/** A forgotten object is applied once more, which changes nothing. */
const REMEMBERED = 10_000;

export interface ApplierOptions {
  /** `<program>/<purpose>`. */
  readonly fieldManager: string;
  /** True for objects that are entirely ours. */
  readonly force: boolean;
}

export type ApplyOutcome<T extends KubeObject> =
  | { readonly kind: 'applied' | 'unchanged'; readonly object: T }
  /** Only without force: other managers own fields with other values. Nothing was changed. */
  | { readonly kind: 'conflict'; readonly managers: readonly string[]; readonly fields: readonly string[] };

export interface Applier {
  /**
   * Applies `intent` and returns the resulting object. `observed` is the object in the store. Nothing is sent if it is no newer than our
   * last apply of the same intent; anything newer may be a foreign change, which is put back. `intent` is complete: fields that this
   * manager set before and that it leaves out are removed.
   */
  ensure<T extends KubeObject>(
    resource: Resource<T>,
    intent: Intent<T>,
    observed: T | undefined,
    signal: AbortSignal,
  ): Promise<ApplyOutcome<T>>;
}

export function createApplier(client: Pick<KubeClient, 'apply'>, options: ApplierOptions): Applier {
  const done = createRecentMap<string, { readonly intent: string; readonly version: string | undefined }>(
    REMEMBERED,
  );
  return {
    async ensure(resource, intent, observed, signal) {
      const id = objectId(resource, intent.metadata);
      const wanted = canonicalHash(intent);
      const last = done.get(id);
      if (last?.intent === wanted && observed !== undefined && isNotAfter(observed, last.version))
        return { kind: 'unchanged', object: observed };
      try {
        const object = await client.apply(resource, intent, { ...options, signal });
        done.set(id, { intent: wanted, version: object.metadata.resourceVersion });
        return { kind: 'applied', object };
      } catch (error) {
        done.delete(id);
        if (options.force || !isKubeError(error) || !isConflict(error)) throw error;
        const conflict = otherManagers(error);
        if (conflict.managers.length === 0) throw error;
        return { kind: 'conflict', ...conflict };
      }
    },
  };
}

/** The API server names the managers in the message of each cause: `conflict with "kubectl" using apps/v1`. */
function otherManagers({ details }: KubeError): { managers: string[]; fields: string[] } {
  const causes = (details?.causes ?? []).filter(({ reason }) => reason === 'FieldManagerConflict');
  const managers = causes.map(({ message = '' }) => /"([^"]+)"/.exec(message)?.[1] ?? message);
  const fields = causes.map(({ field = '' }) => field);
  return { managers: [...new Set(managers)].sort(), fields: [...new Set(fields)].sort() };
}
