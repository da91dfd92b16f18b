import type { KeyPair } from '../../kube/certificates/key-pair.ts';
import { startWebhookServer, type WebhookServer } from '../../kube/webhook/webhook-server.ts';
import { withWords } from '../server-text.ts';
import { createRegistration, type Registration } from './registration.ts';
import { webhookConfigurations } from './webhook-configuration.ts';
import type { Webhook } from './webhook.ts';
import type { WebhooksDeps, WebhooksOptions } from './webhooks.ts';

/** Starts the server with the handlers of `webhooks`. */
export function serveWebhooks(
  { clock, logger }: WebhooksDeps,
  { address }: WebhooksOptions,
  webhooks: readonly Webhook[],
  certificate: KeyPair,
): Promise<WebhookServer> {
  const handlers = new Map(webhooks.map(({ path, handler }) => [path, handler]));
  const flag = '--webhook-config-server-port';
  return startWebhookServer({ clock, logger }, { address, flag, handlers, certificate });
}

/** The registration of `webhooks`, which is not written yet. */
export function registrationOf(
  { registrations: client, clock }: WebhooksDeps,
  { names, place, address }: WebhooksOptions,
  webhooks: readonly Webhook[],
): Registration {
  return createRegistration({ client, clock }, webhookConfigurations(webhooks, names, place, address.port));
}

/** Runs a step of the start, and puts the words of the Go library in front of its error. */
export async function startStep<T>(words: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw withWords(words, cause);
  }
}
