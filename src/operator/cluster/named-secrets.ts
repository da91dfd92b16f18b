import { createRecentMap } from '../../kit/recent-map.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient, ObjectKey } from '../../kube/types.ts';
import { keyText } from '../../kube/controller/object-key.ts';
import { SECRETS, type Secret } from './resources.ts';
import type { Watched } from './watched.ts';

/** Secrets kept in memory. One that was evicted costs one more call to the API server. */
const MOST_KEPT = 1000;

/** Reads the Secrets that objects name. Of all other Secrets the operator watches only the metadata. */
export interface NamedSecrets {
  /** Undefined if the Secret does not exist. Calls the API server only if its version has changed. */
  read(key: ObjectKey, signal: AbortSignal): Promise<Secret | undefined>;
}

export function createNamedSecrets(
  client: Pick<KubeClient, 'get'>,
  watched: Pick<Watched, 'secrets'>,
): NamedSecrets {
  const known = createRecentMap<string, Secret>(MOST_KEPT);
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
