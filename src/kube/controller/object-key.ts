import type { ObjectKey } from '../types.ts';

/** Key of an object in a queue: `namespace/name`, or the name alone. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Inverse of {@link keyText}: no name and no namespace contains a slash. */
export function keyOf(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash === -1 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
