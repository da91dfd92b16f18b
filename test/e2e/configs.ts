import type { Reason } from '../../src/api/status/reasons.ts';
import type { RegistryConfigStatus } from '../../src/api/status/registry-config-status.ts';
import type { Kubectl } from '../cluster/kubectl.ts';
import { waitFor } from '../kit/index.ts';

/** Secret in the namespace `default` with the authority of the company's registries. */
export const AUTHORITY_SECRET = 'company-ca';

/** Entry of `spec.caches`. */
export interface CacheSpec {
  readonly upstream: string;
  readonly [field: string]: unknown;
}

export interface ConfigEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** `RegistryConfig` objects of a user in one namespace. */
export interface Configs {
  /** Creates or changes an object. Its caches trust the company's authority, and revalidate a tag only after an hour. */
  apply(name: string, ...caches: readonly CacheSpec[]): Promise<void>;
  /** Reads the status of an object. Undefined unless conditions of its newest generation have all these reasons. */
  has(name: string, ...reasons: readonly Reason[]): Promise<RegistryConfigStatus | undefined>;
  /** Waits until the object {@link has} these reasons. */
  until(name: string, ...reasons: readonly Reason[]): Promise<RegistryConfigStatus>;
  /** Waits for an event of the object with this reason. */
  event(name: string, reason: string): Promise<ConfigEvent>;
  /** Deletes objects, and waits until they are gone. */
  remove(...names: readonly string[]): Promise<void>;
}

interface ConfigObject {
  readonly metadata: { readonly generation: number };
  readonly status?: RegistryConfigStatus;
}

const RESOURCE = 'registryconfigs.registry.extensions.gardener.cloud';
const LIMIT_MS = 120_000;

export function createConfigs(kubectl: Kubectl, namespace = 'default'): Configs {
  const inNamespace = `--namespace=${namespace}`;
  const read = (name: string) => kubectl.json<ConfigObject>(RESOURCE, name, inNamespace);
  const has: Configs['has'] = async (name, ...reasons) => {
    const { metadata, status } = await read(name);
    const newest = (status?.conditions ?? []).filter((one) => one.observedGeneration === metadata.generation);
    return reasons.every((reason) => newest.some((one) => one.reason === reason)) ? status : undefined;
  };
  return {
    async apply(name, ...caches) {
      await kubectl.apply({
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        metadata: { name, namespace },
        spec: { caches: caches.map((cache) => ({ ...OF_ALL, ...cache })) },
      });
    },
    has,
    until(name, ...reasons) {
      const what = `${name} to be ${reasons.join(', ')}`;
      const reached = () => has(name, ...reasons);
      return waitFor(reached, { limitMs: LIMIT_MS, everyMs: 300, what }).catch(async (cause: unknown) => {
        const { status } = await read(name);
        throw new Error(`the conditions of ${name} are ${JSON.stringify(status?.conditions)}`, { cause });
      });
    },
    event(name, reason) {
      const found = async () => {
        const { items } = await kubectl.json<{ items: readonly ConfigEvent[] }>(
          'events',
          inNamespace,
          `--field-selector=involvedObject.name=${name},involvedObject.kind=RegistryConfig`,
        );
        return items.find((event) => event.reason === reason);
      };
      return waitFor(found, { limitMs: LIMIT_MS, everyMs: 300, what: `an event ${reason} of ${name}` });
    },
    async remove(...names) {
      await kubectl(
        'delete',
        RESOURCE,
        ...names,
        inNamespace,
        '--ignore-not-found',
        `--timeout=${LIMIT_MS / 1000}s`,
      );
    },
  };
}

const OF_ALL = {
  caBundleSecretReferenceName: AUTHORITY_SECRET,
  volume: { size: '1Gi' },
  freshness: { tagTTL: '1h' },
};
