/** Says of an object that it is ours: nothing without it is ever changed or removed. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'larder-operator' };

/** Selects the objects that have it. */
export const OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

/** Selects the objects that do not. */
export const NOT_OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}!=${value}`)
  .join(',');

export function hasOurLabel(labels: Readonly<Record<string, string>>): boolean {
  return hasMarks(labels, MANAGED_BY);
}

/** Whether labels, or annotations, have all that is `wanted`. */
export function hasMarks(marks: Marks = {}, wanted: Marks): boolean {
  return Object.entries(wanted).every(([name, value]) => marks[name] === value);
}

type Marks = Readonly<Record<string, string>>;

/** The object that asks for the cache that an object is part of, as `configId` has it; and the upstream. */
export const ASKED_BY = 'larder/asked-by';
export const UPSTREAM = 'upstream';
