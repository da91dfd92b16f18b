import { SECRETS } from '../operator/cluster/resources.ts';
import type { KubeClient } from '../kube/types.ts';
import { cacheValidator } from './admission/cache-validator.ts';
import { mirrorValidator } from './admission/mirror-validator.ts';
import { countedHandler, type CountedHandlerDeps } from './counted-handler.ts';
import type { AdmissionWebhookName } from './names.ts';
import type { Webhook } from './webhook/webhook.ts';

export interface AdmissionWebhooksDeps extends CountedHandlerDeps {
  /** Reads the Secrets that Shoots name. */
  readonly client: Pick<KubeClient, 'get'>;
}

/** Describes the webhooks of `larder admission` with these names. */
export function admissionWebhooks(
  { client, ...deps }: AdmissionWebhooksDeps,
  names: readonly AdmissionWebhookName[],
): readonly Webhook[] {
  const readSecret = (namespace: string, name: string, signal: AbortSignal) =>
    client.get(SECRETS, { namespace, name }, { signal });
  const all: Readonly<Record<AdmissionWebhookName, Webhook>> = {
    'registry-cache-validator': shootWebhook({
      name: 'registry-cache-validator',
      type: 'registry-cache',
      path: '/webhooks/registry-cache',
      handler: cacheValidator({ readSecret }),
    }),
    'registry-mirror-validator': shootWebhook({
      name: 'registry-mirror-validator',
      type: 'registry-mirror',
      // The path of the Go extension, whatever its name says.
      path: '/webhooks/registry-config',
      handler: mirrorValidator({ readSecret }),
    }),
  };
  return names.map((name) => ({ ...all[name], handler: countedHandler(deps, name, all[name].handler) }));
}

/** gardener-apiserver labels a Shoot with the types of its extensions. */
function shootWebhook({
  type,
  ...webhook
}: Pick<Webhook, 'name' | 'path' | 'handler'> & { readonly type: string }): Webhook {
  return {
    ...webhook,
    action: 'validating',
    rule: { apiGroups: ['core.gardener.cloud'], apiVersions: ['*'], resources: ['shoots'] },
    objectSelector: { matchLabels: { [`extensions.extensions.gardener.cloud/${type}`]: 'true' } },
  };
}
