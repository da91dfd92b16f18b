import type { KubeObject, Resource } from '../../kube/types.ts';
import { webhookClientConfig, type WebhookClientConfig, type WebhookPlace } from './webhook-address.ts';
import type { WebhookNames } from './webhook-names.ts';
import type { LabelSelector, Webhook, WebhookRule } from './webhook.ts';

export interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly RegisteredWebhook[];
}

/** One webhook as the API server has it. */
export interface RegisteredWebhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules: readonly (WebhookRule & {
    readonly operations: readonly string[];
    readonly scope: string;
  })[];
  readonly failurePolicy: string;
  readonly matchPolicy: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly admissionReviewVersions: readonly string[];
  readonly reinvocationPolicy?: string;
}

/** A configuration to register, without CA bundle. */
export interface WantedConfiguration {
  readonly resource: Resource<WebhookConfiguration>;
  readonly name: string;
  readonly webhooks: readonly RegisteredWebhook[];
}

/** Keeps Gardener's check of webhooks in shoots from changing the configuration. */
export const CONFIGURATION_LABELS = { 'remediation.webhook.shoot.gardener.cloud/exclude': 'true' };

export const MUTATING_WEBHOOK_CONFIGURATIONS = configurations('Mutating');
export const VALIDATING_WEBHOOK_CONFIGURATIONS = configurations('Validating');

/**
 * Configurations of a program's webhooks: at most one of each kind, with webhooks in the order of their names. Every field that the API
 * server would add is set, so that a comparison finds the same content.
 */
export function webhookConfigurations(
  webhooks: readonly Webhook[],
  names: WebhookNames,
  place: WebhookPlace,
  serverPort: number,
): readonly WantedConfiguration[] {
  const kinds = [
    { action: 'mutating', resource: MUTATING_WEBHOOK_CONFIGURATIONS },
    { action: 'validating', resource: VALIDATING_WEBHOOK_CONFIGURATIONS },
  ] as const;
  return kinds.flatMap(({ action, resource }) => {
    const registered = webhooks
      .filter((webhook) => webhook.action === action)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((webhook) =>
        registeredWebhook(
          webhook,
          names.component,
          webhookClientConfig(place, names.configuration, serverPort, webhook.path),
        ),
      );
    return registered.length === 0 ? [] : [{ resource, name: names.configuration, webhooks: registered }];
  });
}

function registeredWebhook(
  { name, action, rule, namespaceSelector = {}, objectSelector = {} }: Webhook,
  component: string,
  clientConfig: WebhookClientConfig,
): RegisteredWebhook {
  return {
    name: `${name}.${component}.extensions.gardener.cloud`,
    clientConfig,
    rules: [{ ...rule, operations: ['CREATE', 'UPDATE'], scope: '*' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Exact',
    namespaceSelector,
    objectSelector,
    sideEffects: 'None',
    timeoutSeconds: 10,
    admissionReviewVersions: ['v1', 'v1beta1'],
    ...(action === 'mutating' && { reinvocationPolicy: 'Never' }),
  };
}

function configurations(kind: 'Mutating' | 'Validating'): Resource<WebhookConfiguration> {
  return {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: `${kind}WebhookConfiguration`,
    plural: `${kind.toLowerCase()}webhookconfigurations`,
    namespaced: false,
  };
}
