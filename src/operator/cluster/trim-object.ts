import { identityOf } from '../../kube/objects/identity.ts';
import type { KubeObject } from '../../kube/types.ts';
import { hasOurLabel, UPSTREAM_ANNOTATION } from './marks.ts';

/** Drops `managedFields`, which the operator never reads. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}

/**
 * Keeps the identity, the version and Larder's own marks of an object. Objects outside of the namespace `home` are never ours, so the marks
 * they claim are dropped. Other annotations are dropped, because `kubectl apply` stores the contents of a Secret in one.
 */
export function identityOnly(object: KubeObject, home: string): KubeObject {
  const { namespace, labels = {}, annotations = {}, deletionTimestamp } = object.metadata;
  const isOurs = namespace === home && hasOurLabel(labels);
  const own = isOurs ? Object.entries(annotations) : [];
  const identity = identityOf(object);
  return {
    ...identity,
    metadata: {
      ...identity.metadata,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(isOurs && { labels }),
      annotations: Object.fromEntries(
        own.filter(([key]) => key === UPSTREAM_ANNOTATION || key.startsWith('larder/')),
      ),
    },
  };
}
