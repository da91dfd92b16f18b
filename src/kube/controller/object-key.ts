import type { ObjectKey } from '../types.ts';

/** An object's key as controllers queue it: `namespace/name`, or the name alone. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** What {@link keyText} stands for: no name and no namespace contains a slash. */
export function keyOf(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash === -1 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
