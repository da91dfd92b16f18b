import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../kit/clock.ts';
import { isAlreadyExists, isConflict } from '../../kube/kube-error.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient, OwnerReference } from '../../kube/types.ts';
import { nextBundle, type TrustedBundle } from './ca-bundle.ts';
import {
  CONFIGURATION_LABELS,
  type RegisteredWebhook,
  type WantedConfiguration,
  type WebhookConfiguration,
} from './webhook-configuration.ts';

/** Writes in a row that may meet another writer. */
const ATTEMPTS = 3;

export interface RegistrationChange {
  /** Undefined: the owner stays as it is. */
  readonly owner?: OwnerReference | undefined;
  /** Undefined: the registered bundle stays as it is. */
  readonly bundle?: TrustedBundle | undefined;
}

/** The webhook configurations of one program at the API server. */
export interface Registration {
  /**
   * Creates the configurations, or puts them right. Labels, annotations and fields of others stay; webhooks of others in it do not. Writes
   * nothing if nothing differs. Returns the time of the last write of this process, in milliseconds since the epoch, or 0. Throws a
   * `KubeError`.
   */
  reconcile(change: RegistrationChange, signal: AbortSignal): Promise<number>;
  /** CA bundles that are registered, one for each configuration. Throws a `KubeError`. */
  bundles(signal: AbortSignal): Promise<readonly string[]>;
}

export function createRegistration(
  {
    client,
    clock,
  }: { readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>; readonly clock: Clock },
  configurations: readonly WantedConfiguration[],
): Registration {
  let writtenAt = 0;

  async function reconcileOne(
    wanted: WantedConfiguration,
    change: RegistrationChange,
    signal: AbortSignal,
  ): Promise<void> {
    const { resource, name } = wanted;
    for (let attempt = 1; ; attempt += 1) {
      const existing = await find(client, resource, { name }, signal);
      const next = withChange(existing ?? emptyConfiguration(wanted), wanted, change, clock.now());
      if (isDeepStrictEqual(existing, next)) return;
      try {
        await (existing === undefined
          ? client.create(resource, next, { signal })
          : client.replace(resource, next, { signal }));
        writtenAt = clock.now();
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !(isConflict(error) || isAlreadyExists(error))) throw error;
      }
    }
  }

  return {
    async reconcile(change, signal) {
      for (const wanted of configurations) await reconcileOne(wanted, change, signal);
      return writtenAt;
    },

    async bundles(signal) {
      const bundles: string[] = [];
      for (const { resource, name } of configurations) {
        const existing = await find(client, resource, { name }, signal);
        if (existing !== undefined) bundles.push(bundleOf(existing));
      }
      return bundles;
    },
  };
}

function emptyConfiguration({ resource, name }: WantedConfiguration): WebhookConfiguration {
  return {
    apiVersion: `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata: { name },
  };
}

function withChange(
  before: WebhookConfiguration,
  { webhooks }: WantedConfiguration,
  { owner, bundle }: RegistrationChange,
  now: number,
): WebhookConfiguration {
  const registered = bundleOf(before);
  const caBundle = bundle === undefined ? registered : nextBundle(bundle, registered, now);
  return {
    ...before,
    metadata: {
      ...before.metadata,
      labels: { ...before.metadata.labels, ...CONFIGURATION_LABELS },
      ...(owner !== undefined && { ownerReferences: [owner] }),
    },
    webhooks: webhooks.map((webhook) => withBundle(webhook, caBundle)),
  };
}

function withBundle(webhook: RegisteredWebhook, bundle: string): RegisteredWebhook {
  if (bundle === '') return webhook;
  const caBundle = Buffer.from(bundle).toString('base64');
  return { ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } };
}

/** All webhooks of a configuration have the same bundle, unless one was edited by hand. */
function bundleOf({ webhooks = [] }: WebhookConfiguration): string {
  const bundles = webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? '');
  return Buffer.from(bundles.find((one) => one !== '') ?? '', 'base64').toString('utf8');
}
