import { LRUCache } from 'lru-cache';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient, ObjectKey } from '../../kube/types.ts';
import { keyText } from '../../kube/controller/object-key.ts';
import { SECRETS, type Secret } from './resources.ts';
import type { Watched } from './watched.ts';

/** Read again when they are needed: nobody has so many caches that this costs more than a call. */
const REMEMBERED = 1000;

/** The Secrets that objects name. Only those are ever read; of all others the operator knows that they exist. */
export interface NamedSecrets {
  /** Undefined while there is none. Asks the API server only when it has changed since. */
  read(key: ObjectKey, signal: AbortSignal): Promise<Secret | undefined>;
}

export function createNamedSecrets(
  client: Pick<KubeClient, 'get'>,
  watched: Pick<Watched, 'secrets'>,
): NamedSecrets {
  const known = new LRUCache<string, Secret>({ max: REMEMBERED });
  return {
    async read(key, signal) {
      const seen = watched.secrets.get(key);
      const id = keyText(key);
      if (seen === undefined) {
        known.delete(id);
        return undefined;
      }
      const last = known.get(id);
      if (last?.metadata.resourceVersion === seen.metadata.resourceVersion) return last;
      const secret = await find(client, SECRETS, key, signal);
      if (secret === undefined) known.delete(id);
      else known.set(id, secret);
      return secret;
    },
  };
}
