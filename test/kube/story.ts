import type { ObjectStore } from '../../src/kube/informer/object-store.ts';
import type { KubeObject } from '../../src/kube/types.ts';

/** Calls of the handlers of an object store. */
export interface Story<T> {
  /** `a@96 > a@97`. */
  readonly changes: string[];
  /** The objects as a handler knows them. */
  known(): readonly T[];
  /** Changes that do not follow from the previous ones. */
  readonly breaches: string[];
}

/** Follows a store from now on. */
export function followStory<T extends KubeObject>(store: ObjectStore<T>): Story<T> {
  const changes: string[] = [];
  const breaches: string[] = [];
  const last = new Map<string, T | undefined>();
  store.onChange((before, after) => {
    changes.push(`${nameOf(before)} > ${nameOf(after)}`);
    const { namespace, name } = (after ?? before)?.metadata ?? { name: '?' };
    const key = `${namespace}/${name}`;
    if (last.get(key) !== before || before === after) breaches.push(changes.at(-1) ?? '');
    last.set(key, after);
  });
  return { changes, breaches, known: () => [...last.values()].filter((object) => object !== undefined) };
}

function nameOf(object: KubeObject | undefined): string {
  return object === undefined ? '-' : `${object.metadata.name}@${object.metadata.resourceVersion}`;
}
