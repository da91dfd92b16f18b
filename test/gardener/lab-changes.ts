import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import type { KubeClient, MergePatch, Resource } from '../../src/kube/types.ts';
import { SECRETS, SERVICES, type Service } from '../../src/operator/cluster/resources.ts';
import type { Applied } from './gardenlet.ts';
import type { SeatedShoot } from './lab-seat.ts';
import type { ManagerMode } from './resource-manager.ts';

/** Objects that a step deletes. */
const DELETED: readonly Resource[] = [SECRETS, MANAGED_RESOURCES, CONFIG_MAPS];

/** Does what a step of a case says. Returns the version of the Extension that was changed. */
export async function changeInLab(
  clients: { readonly seed: KubeClient; readonly shoot: KubeClient },
  seated: SeatedShoot,
  { action, value }: { readonly action: string; readonly value: unknown },
): Promise<string | undefined> {
  const { gardenlet, namespace } = seated;
  const call = { signal: new AbortController().signal };
  const text = value as string;
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { type = '', name = '', operation = '' } = fields as Readonly<Record<string, string>>;

  switch (action) {
    case 'apply':
      return gardenlet.apply(fields as unknown as Applied);
    case 'reconcile':
      return gardenlet.annotate(text, 'reconcile');
    case 'annotate':
      return gardenlet.annotate(type, operation);
    case 'patch-extension':
      return gardenlet.patch(type, fields['patch'] as MergePatch);
    default:
      await changeOthers();
      return undefined;
  }

  async function changeOthers(): Promise<void> {
    switch (action) {
      case 'delete':
        return gardenlet.delete(text);
      case 'patch-shoot':
        return seated.patchShoot(fields);
      case 'delete-cluster':
        return gardenlet.deleteCluster();
      case 'put-secret':
        return seated.putSecret(name, fields);
      case 'delete-secret':
        return gardenlet.deleteSecret(text);
      case 'grm':
        return seated.manager.set(text as ManagerMode);
      case 'delete-object':
        return deleteObject(fields['resource']);
      case 'shoot-service':
        return changeService();
      default:
    }
  }

  async function deleteObject(plural: unknown): Promise<void> {
    if (plural === 'extensions') return gardenlet.remove(name);
    const resource = DELETED.find((one) => one.plural === plural);
    if (resource === undefined) throw new Error(`a step deletes one of the ${String(plural)}`);
    await clients.seed.delete(resource, { namespace, name }, call);
  }

  async function changeService(): Promise<void> {
    const place = { namespace: 'kube-system' };
    const { delete: gone, metadata, spec = { ports: [{ port: 80 }] } } = fields;
    if (gone !== undefined) {
      await clients.shoot.delete(SERVICES, { ...place, name: gone as string }, call);
      return;
    }
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...(metadata as { name: string }), ...place },
      spec: spec as object,
    };
    await clients.shoot.create<Service>(SERVICES, service, call);
  }
}
