import { openManagedWebhooks } from './managed-webhooks.ts';
import { openUnmanagedWebhooks } from './unmanaged-webhooks.ts';
import type { Webhook } from './webhook.ts';
import type { Webhooks, WebhooksDeps, WebhooksOptions } from './webhooks.ts';

/**
 * Starts the server of `webhooks` with a valid certificate, which is created if the cluster has none. Without a namespace the certificate is
 * for this process alone. Throws what the API server, the certificate directory or the listener throws, in the words of the Go library.
 */
export function openWebhooks(
  deps: WebhooksDeps,
  options: WebhooksOptions,
  webhooks: readonly Webhook[],
  signal: AbortSignal,
): Promise<Webhooks> {
  return options.place.namespace === ''
    ? openUnmanagedWebhooks(deps, options, webhooks)
    : openManagedWebhooks(deps, options, webhooks, signal);
}
