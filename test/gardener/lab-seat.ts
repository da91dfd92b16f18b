/** A shoot at real API servers with everything that a recorded case begins with, and with gardenlet and gardener-resource-manager. */
import { EXTENSIONS, type Extension } from '../../src/gardener/extensions/resources.ts';
import type { ManagedResource } from '../../src/gardener/managed-resources/managed-resource.ts';
import type { ObjectStore } from '../../src/kube/informer/object-store.ts';
import type { KubeClient, MergePatch } from '../../src/kube/types.ts';
import { SERVICES } from '../../src/operator/cluster/resources.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import type { TestSecret } from './caches-world.ts';
import { createLabGardenlet, type LabGardenlet } from './lab-gardenlet.ts';
import { startLabManager, type LabManager } from './lab-resource-manager.ts';
import type { AskWebhook } from './play-osc.ts';
import { baseShoot } from './recorded-admission.ts';
import type { CaseInput } from './recorded-cases.ts';
import type { ManagerMode } from './resource-manager.ts';

/** A seed that is watched, and a shoot that no other case uses. */
export interface LabSeat {
  readonly seed: KubeClient;
  readonly shoot: KubeClient;
  readonly extensions: ObjectStore<Extension>;
  readonly resources: ObjectStore<ManagedResource>;
  /** Kubeconfig of the shoot, as the program reaches it. */
  readonly kubeconfig: string;
  /** Asks the webhooks of the program. */
  readonly ask: AskWebhook;
}

export interface SeatedShoot extends AsyncDisposable {
  readonly namespace: string;
  readonly gardenlet: LabGardenlet;
  readonly manager: LabManager;
  /** Names of the Secrets that the test has written and does not look at. */
  readonly own: ReadonlySet<string>;
  putSecret(name: string, secret: TestSecret): Promise<void>;
  /** Changes the Shoot in the Cluster. */
  patchShoot(patch: MergePatch): Promise<void>;
}

/** Creates the objects with which a case begins. Disposing ends its Extensions, and empties the shoot for the next case. */
export async function seatShoot(seat: LabSeat, namespace: string, input: CaseInput): Promise<SeatedShoot> {
  const { seed, shoot, kubeconfig } = seat;
  const call = { signal: new AbortController().signal };
  const gardenlet = createLabGardenlet(seed, namespace);
  const own = new Set<string>();
  let shootDocument: object = mergePatched(baseShoot(), { ...(input.shoot as MergePatch | undefined) });

  async function putSecret(name: string, secret: TestSecret): Promise<void> {
    if (secret.tracked !== true) own.add(name);
    await gardenlet.putSecret(name, secret);
  }

  await gardenlet.createNamespace(input.namespaceLabels ?? {});
  if (input['cluster'] !== false) await gardenlet.putCluster(shootDocument);
  const leads = { shoot: kubeconfig, nowhere: kubeconfig.replace(/:\d+"/, ':1"') };
  for (const [name, to] of kubeconfigsOf(input['shootKubeconfig'] ?? true))
    await putSecret(name, { data: { kubeconfig: leads[to] } });
  for (const [name, secret] of Object.entries(input.secrets ?? {})) await putSecret(name, secret);
  const manager = startLabManager(seat, {
    namespace,
    mode: (input['grm'] ?? 'normal') as ManagerMode,
    isIPv6: input['ipFamily'] === 'IPv6',
  });

  return {
    namespace,
    gardenlet,
    manager,
    own,
    putSecret,
    async patchShoot(patch) {
      shootDocument = mergePatched(shootDocument, patch);
      await gardenlet.putCluster(shootDocument);
    },
    async [Symbol.asyncDispose]() {
      const { items } = await seed.list(EXTENSIONS, { namespace }, call);
      for (const { metadata } of items) await gardenlet.remove(metadata.name);
      await manager[Symbol.asyncDispose]();
      const services = await shoot.list(SERVICES, { namespace: 'kube-system' }, call);
      for (const { metadata } of services.items)
        await shoot.delete(SERVICES, { namespace: 'kube-system', name: metadata.name }, call);
    },
  };
}

/** Secrets with access to the shoot, and whether they lead there. By default the external one must not be used. */
function kubeconfigsOf(access: unknown): (readonly [string, 'shoot' | 'nowhere'])[] {
  if (access === false) return [];
  const external = ['gardener', access === true ? 'nowhere' : 'shoot'] as const;
  const internal = ['gardener-internal', 'shoot'] as const;
  if (access === 'internal') return [internal];
  return access === 'external' ? [external] : [internal, external];
}
