/**
 * Label of every object that the operator creates. An object without it is never deleted. It is changed only if it is ours by another mark,
 * and then gets the label back.
 */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'larder-operator' };

/** Label selector for our objects. */
export const OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

/** Label selector for all other objects. */
export const NOT_OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}!=${value}`)
  .join(',');

export function hasOurLabel(labels: Readonly<Record<string, string>>): boolean {
  return hasMarks(labels, MANAGED_BY);
}

/** True if the labels or annotations `marks` contain all of `wanted`. */
export function hasMarks(marks: Marks = {}, wanted: Marks): boolean {
  return Object.entries(wanted).every(([name, value]) => marks[name] === value);
}

type Marks = Readonly<Record<string, string>>;

/** Annotation with the `ConfigId` of the object that owns the cache. */
export const OWNER_ANNOTATION = 'larder/asked-by';
/** Annotation with the upstream of the cache. */
export const UPSTREAM_ANNOTATION = 'upstream';

/** Finalizer of users' objects: they stay until everything is undone that the operator has done for them. */
export const FINALIZER = 'larder/operator';

/** Lease of the operator that leads. */
export const LEASE_NAME = 'larder-operator';
