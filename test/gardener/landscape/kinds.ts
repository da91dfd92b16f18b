/** Kinds of an API server, as its discovery lists them. */
import type { Resource } from '../../../src/kube/types.ts';
import { groupOf, type Manifest } from './manifest.ts';

/** Place of a kind in the API. Undefined if the server does not have it (yet). */
export type FindKind = (apiVersion: string, kind: string) => Promise<Resource<Manifest> | undefined>;

interface ApiResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
  }[];
}

/** Reads each version of a group once, and again while it lacks a kind. `get` gives undefined for a path that the server does not have. */
export function createFindKind(get: (path: string) => Promise<object | undefined>): FindKind {
  const found = new Map<string, Resource<Manifest>>();
  return async (apiVersion, kind) => {
    const id = `${apiVersion} ${kind}`;
    if (!found.has(id)) {
      const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const { resources = [] } = ((await get(path)) ?? {}) as ApiResourceList;
      for (const { name, kind: one, namespaced } of resources) {
        if (name.includes('/')) continue;
        const version = apiVersion.split('/').at(-1) ?? '';
        found.set(`${apiVersion} ${one}`, {
          group: groupOf(apiVersion),
          version,
          kind: one,
          plural: name,
          namespaced,
        });
      }
    }
    return found.get(id);
  };
}
