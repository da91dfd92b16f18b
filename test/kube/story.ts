import type { ObjectStore } from '../../src/kube/informer/object-store.ts';
import type { KubeObject } from '../../src/kube/types.ts';

/** What handlers of a cache are told. */
export interface Story<T> {
  /** `a@96 > a@97`. */
  readonly told: string[];
  /** The objects as a handler knows them. */
  known(): readonly T[];
  /** What was told that does not follow from what was told before. */
  readonly breaches: string[];
}

/** Listens to a cache from now on. */
export function followStory<T extends KubeObject>(store: ObjectStore<T>): Story<T> {
  const told: string[] = [];
  const breaches: string[] = [];
  const last = new Map<string, T | undefined>();
  store.onChange((before, after) => {
    told.push(`${nameOf(before)} > ${nameOf(after)}`);
    const { namespace, name } = (after ?? before)?.metadata ?? { name: '?' };
    const key = `${namespace}/${name}`;
    if (last.get(key) !== before || before === after) breaches.push(told.at(-1) ?? '');
    last.set(key, after);
  });
  return { told, breaches, known: () => [...last.values()].filter((object) => object !== undefined) };
}

function nameOf(object: KubeObject | undefined): string {
  return object === undefined ? '-' : `${object.metadata.name}@${object.metadata.resourceVersion}`;
}
