import { readDocument } from '../../api/document/parse-document.ts';
import {
  API_VERSION,
  KIND,
  registryConfigSchema,
  type RegistryConfigDocument,
} from '../../api/registry-config/schema.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import { LarderError } from '../../kit/errors.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SERVICES_COMPONENT, servicesComponent } from '../caches/services-component.ts';
import { registryStatus } from '../caches/provider-status.ts';
import type { Actuator, ActuatorContext } from '../extensions/actuator.ts';
import { clusterFacts } from '../shoots/cluster-facts.ts';
import { deployCaches } from './deploy-caches.ts';
import { openCertificates, type CertificatesDeps } from './cache-certificates.ts';
import { deployComponent } from './deploy-component.ts';
import { removeCaches } from './remove-caches.ts';
import { readShootServices } from './shoot-services.ts';
import type { ShootAddress, ShootDeps } from './with-shoot.ts';
import { untilHealthy } from './wait-for-resource.ts';
import { within } from './within.ts';

export type CachesActuatorDeps = CertificatesDeps &
  ShootDeps & {
    /** Client of the seed. */
    readonly client: Pick<KubeClient, 'get' | 'list' | 'create' | 'patch' | 'mergePatch' | 'delete'>;
  };

export interface CachesActuatorSettings {
  /** Image of the caches. Throws `CONFIG_INVALID` if none is known. */
  readonly image: () => string;
  /** Address of the shoots' API servers to prefer. */
  readonly shootAddress: ShootAddress;
  /** True: the caches give their stores back to Distribution, before the Go extension takes over. */
  readonly handBack: boolean;
}

/**
 * Creates the actuator of type `registry-cache`, in the order and with the texts of the Go extension: Services, their addresses, certificates,
 * caches, status, clean-up. Nothing is kept between two calls. Every step finds out itself what is there already, so each call can be repeated
 * from any point.
 */
export function createCachesActuator(deps: CachesActuatorDeps, settings: CachesActuatorSettings): Actuator {
  const { handBack } = settings;

  async function reconcile(context: ActuatorContext): Promise<void> {
    const { extension, namespace, signal } = context;
    const cluster = await context.cluster();
    const facts = await within('failed to get cluster', () => clusterFacts(cluster));
    if (facts.isHibernated) return;
    const { caches, registryConfigReplication } = readConfig(extension.spec?.providerConfig);
    const isReplicated = registryConfigReplication.enabled;

    await within('failed to deploy the registry cache services component', () =>
      deployComponent(deps, servicesComponent(namespace, caches), signal),
    );
    await within('failed to wait the registry cache services component to be healthy', () =>
      untilHealthy(deps, { namespace, name: SERVICES_COMPONENT }, signal),
    );
    const services = await within('failed to fetch registry cache Services', () =>
      readShootServices(deps, { namespace, address: settings.shootAddress, caches }, signal),
    );
    const publishedBundle = bundleIn(extension.status?.providerStatus);
    const certificates = await openCertificates(deps, { namespace, facts, publishedBundle }, signal);
    const image = await within('failed to find the registry image', settings.image);
    const bundle = await within('failed to deploy the registry caches component', () =>
      deployCaches(
        deps,
        { namespace, facts, caches, services, certificates, image, handBack, isReplicated },
        signal,
      ),
    );
    await within('failed to update Extension status', () =>
      context.publish(registryStatus(services, bundle)),
    );
    await within('failed to cleanup secrets', () => certificates.cleanup());
  }

  return {
    reconcile,
    restore: reconcile,
    delete: ({ namespace, signal }) => removeCaches(deps, namespace, 'all', signal),
    forceDelete: ({ namespace, signal }) => removeCaches(deps, namespace, 'all without waiting', signal),
    migrate: ({ namespace, signal }) => removeCaches(deps, namespace, 'from this seed only', signal),
  };
}

/** Reads the configuration. It has passed admission, which need not have been the same version as this. */
function readConfig(providerConfig: unknown): RegistryConfigDocument {
  if ((providerConfig ?? undefined) === undefined) {
    const message = 'providerConfig is required for the registry-cache extension';
    throw new LarderError('CONFIG_INVALID', message);
  }
  const type = { apiVersion: API_VERSION, kind: KIND, schema: registryConfigSchema };
  const { value, problems } = readDocument(type, providerConfig, '');
  if (problems.length === 0 && value !== undefined) return value;
  throw new LarderError('CONFIG_INVALID', `failed to decode provider config: ${problemsText(problems)}`);
}

function bundleIn(providerStatus: unknown): string | undefined {
  const name = (providerStatus as { readonly caSecretName?: unknown } | null | undefined)?.caSecretName;
  return typeof name === 'string' ? name : undefined;
}
