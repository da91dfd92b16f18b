import type { KubeClient } from '../kube/types.ts';
import { countedHandler, type CountedHandlerDeps } from './counted-handler.ts';
import type { ExtensionType } from './names.ts';
import { cacheHook } from './node-config/cache-hook.ts';
import { mirrorHook } from './node-config/mirror-hook.ts';
import { nodeConfigHandler } from './node-config/node-config-handler.ts';
import type { NodeHook } from './node-config/node-hook.ts';
import { withWords } from './server-text.ts';
import { openWebhooks } from './webhook/open-webhooks.ts';
import type { Webhook } from './webhook/webhook.ts';
import type { Webhooks, WebhooksDeps, WebhooksOptions } from './webhook/webhooks.ts';

export interface ExtensionWebhooksSettings extends WebhooksOptions {
  /** Types of extensions whose webhooks are wanted. */
  readonly types: readonly ExtensionType[];
}

export interface ExtensionWebhooksDeps extends CountedHandlerDeps {
  /** Reads Clusters, Extensions and Secrets. Nodes wait for it, so that no call of another may come before its calls. */
  readonly reads: Pick<KubeClient, 'get'>;
}

/** Starts the server of the webhooks that are wanted. Undefined if there is none. */
export async function openExtensionWebhooks(
  deps: ExtensionWebhooksDeps & WebhooksDeps,
  settings: ExtensionWebhooksSettings | undefined,
  signal: AbortSignal,
): Promise<Webhooks | undefined> {
  if (settings === undefined) return undefined;
  try {
    return await openWebhooks(deps, settings, extensionWebhooks(deps, settings.types), signal);
  } catch (cause) {
    throw withWords('could not add the mutating webhook to manager', cause);
  }
}

const HOOKS: Readonly<Record<ExtensionType, NodeHook>> = {
  'registry-cache': cacheHook,
  'registry-mirror': mirrorHook,
};

/** Describes the webhooks of `larder extension` for the configurations of nodes: one for each type, which is also its name. */
export function extensionWebhooks(
  { reads, ...deps }: ExtensionWebhooksDeps,
  types: readonly ExtensionType[],
): readonly Webhook[] {
  return types.map((type) => ({
    name: type,
    action: 'mutating',
    path: `/webhooks/${type}`,
    rule: {
      apiGroups: ['extensions.gardener.cloud'],
      apiVersions: ['v1alpha1'],
      resources: ['operatingsystemconfigs'],
    },
    // gardenlet labels the namespace of a shoot with the types of its extensions.
    namespaceSelector: {
      matchExpressions: [{ key: `extensions.gardener.cloud/${type}`, operator: 'In', values: ['true'] }],
    },
    handler: countedHandler(deps, type, nodeConfigHandler({ client: reads }, HOOKS[type])),
  }));
}
