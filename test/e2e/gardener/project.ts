import { refusal } from '../../cluster/api-requests.ts';
import { inRotation, type RotationPhase } from '../../gardener/landscape/rotation.ts';
import type { WantedShoot } from '../../gardener/landscape/shoot-flow.ts';
import { baseShoot } from '../../gardener/recorded-admission.ts';
import { AUTHORITY_SECRET, type CacheSpec } from '../configs.ts';
import { SHOOT_NAMESPACE, type Landscape } from './landscape.ts';

/** Wishes of the members of a project for their Shoot. */
export interface ShootWish {
  /** Caches of the Shoot's own. They trust the company's authority. */
  readonly caches?: readonly CacheSpec[];
  /** `registryConfigReplication.enabled`. Default: true. */
  readonly replication?: boolean;
  /** False: the Shoot has no such extension. */
  readonly extension?: boolean;
  readonly hibernated?: boolean;
}

/** Members of a project of the garden, who have its Shoot. */
export interface Project {
  /** Enters a phase of a rotation of certificate authorities, which the status of the Shoot shows from then on. `startedAt` is an RFC 3339 time. */
  enter(phase: RotationPhase, startedAt: string): void;
  /** Writes the Shoot to the garden, whose admission validates it. Gardenlet does not know yet. */
  write(wish: ShootWish): Promise<WantedShoot>;
  /** Writes the Shoot, and waits until gardenlet has reconciled it. */
  reconcile(wish: ShootWish): Promise<void>;
}

const NAMESPACE = 'garden-dev';
const NAME = 'web';
const SHOOTS = `/apis/core.gardener.cloud/v1beta1/namespaces/${NAMESPACE}/shoots`;
const OF_ALL = { caBundleSecretReferenceName: AUTHORITY_SECRET, volume: { size: '1Gi' } };

/** Creates the project, with the Secret of the company's authority in it and, as gardenlet copies it, in the seed. */
export async function createProject(landscape: Landscape): Promise<Project> {
  const { garden, seed, flow, authority } = landscape;
  const { requests } = garden.garden;
  const secret = { immutable: true, stringData: { 'bundle.crt': authority } };
  const created = (answer: object): void => {
    const problem = refusal(answer);
    if (problem !== undefined) throw new Error(problem.message);
  };
  created(await requests('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } }));
  created(
    await requests('POST', `/api/v1/namespaces/${NAMESPACE}/secrets`, {
      metadata: { name: AUTHORITY_SECRET },
      ...secret,
    }),
  );
  created(
    await seed.seed.requests('POST', `/api/v1/namespaces/${SHOOT_NAMESPACE}/secrets`, {
      metadata: { name: `ref-${AUTHORITY_SECRET}` },
      ...secret,
    }),
  );

  let rotate = (wanted: WantedShoot): WantedShoot => wanted;
  const write: Project['write'] = async (wish) => {
    const object = shootOf(wish);
    const before = await requests('GET', `${SHOOTS}/${NAME}`);
    created(
      refusal(before) === undefined
        ? await requests('PUT', `${SHOOTS}/${NAME}`, {
            ...object,
            metadata: { ...(before as typeof object).metadata, ...object.metadata },
          })
        : await requests('POST', SHOOTS, object),
    );
    const { hibernated = false } = wish;
    const extensions = Object.fromEntries(
      object.spec.extensions.map(({ type, providerConfig }) => [type, providerConfig]),
    );
    return rotate({ shoot: object, hibernated, extensions });
  };
  return {
    enter(phase, startedAt) {
      rotate = (wanted) => inRotation(wanted, phase, startedAt);
    },
    write,
    reconcile: async (wish) => flow.reconcile(await write(wish)),
  };
}

function shootOf({ caches = [], replication = true, extension = true, hibernated = false }: ShootWish) {
  const { metadata, spec, ...head } = baseShoot();
  const registryCache = {
    type: 'registry-cache',
    providerConfig: {
      apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
      kind: 'RegistryConfig',
      caches: caches.map((cache) => ({ ...OF_ALL, ...cache })),
      ...(replication && { registryConfigReplication: { enabled: true } }),
    },
  };
  const { uid: _, generation: __, ...kept } = metadata as Record<string, unknown>;
  return {
    ...head,
    metadata: { ...kept, name: NAME, namespace: NAMESPACE },
    spec: {
      ...spec,
      hibernation: { enabled: hibernated },
      extensions: extension ? [registryCache] : [],
      resources: [
        {
          name: AUTHORITY_SECRET,
          resourceRef: { apiVersion: 'v1', kind: 'Secret', name: AUTHORITY_SECRET },
        },
      ],
    },
  };
}
