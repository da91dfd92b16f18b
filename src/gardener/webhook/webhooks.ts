import type { Clock } from '../../kit/clock.ts';
import type { Address } from '../../kit/listen.ts';
import type { Logger } from '../../kit/logger.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { SecretsManagerDeps } from '../secrets-manager/secrets-manager.ts';
import type { WebhookPlace } from './webhook-address.ts';
import type { WebhookNames } from './webhook-names.ts';

export interface WebhooksDeps {
  /** API server at which the webhooks are registered. */
  readonly registrations: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  /** API server with the namespace of the program. Not used if `place.namespace` is empty. */
  readonly secrets: SecretsManagerDeps['client'];
  /** Undefined: RSA as Gardener makes it. */
  readonly certificates?: SecretsManagerDeps['certificates'];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs the exchange of certificates. Has to be closed before the webhooks. */
  readonly tasks: TaskGroup;
}

export interface WebhooksOptions {
  readonly names: WebhookNames;
  readonly address: Address;
  readonly place: WebhookPlace;
  /** Owner of the registration. Empty: the registration has no owner. */
  readonly ownerNamespace: string;
  readonly certificateDirectory: string;
}

/** Time after a stop for which requests are still answered. Afterwards no API server sends one here. */
export const STILL_ROUTED_MS = 3000;

/** Running webhooks of a program. */
export interface Webhooks {
  /** Host and port in use. */
  readonly address: Address;
  /** True while the server has a certificate that the API server can trust. */
  isServing(): boolean;
  /**
   * Registers the webhooks and renews their certificates while this process leads. Resolves soon after `signal` aborts. Throws `KUBE_API` if
   * the webhooks cannot be registered within 5 s, upon which the program has to end.
   */
  lead(signal: AbortSignal): Promise<void>;
  /** Serves on, and lets API servers go to other replicas: each connection ends with its next answer. */
  retire(): void;
  /** Serves until no answer is under way, and then closes. */
  close(): Promise<void>;
}
