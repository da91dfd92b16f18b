/** A world in this process as the place of recorded cases. */
import type { Extension } from '../../src/gardener/extensions/resources.ts';
import type { MergePatch } from '../../src/kube/types.ts';
import type { SentObject } from '../kube/api-store.ts';
import type { CachesWorld, TestSecret } from './caches-world.ts';
import { IN_EXTENSIONS, type Applied } from './gardenlet.ts';
import type { NameMask } from './masked-names.ts';
import type { CasePlace } from './play-case.ts';
import type { CaseInput } from './recorded-cases.ts';
import { describedOsc, recordedSnapshot } from './recorded-snapshot.ts';
import type { ManagerMode } from './resource-manager.ts';

export function casePlaceOf(lab: CachesWorld, { namespaceLabels }: Partial<CaseInput>): CasePlace {
  const { world, namespace, list, own } = lab;
  const find = (name: string): Extension | undefined => world.gardenlet.find(namespace, name);
  return {
    find,
    onChange: (name, handler) =>
      world.api.store.onChange(({ collection, object, isDeletion }) => {
        if (collection !== IN_EXTENSIONS || object.metadata.name !== name) return;
        handler(isDeletion ? undefined : object);
      }),
    async change(action, value, mask) {
      world.clock.advance(1000);
      change(lab, action, value, mask);
    },
    async osc(mask) {
      const secrets = list('Secret').filter(({ metadata }) => !own.has(metadata.name));
      return {
        ask: lab.ask,
        namespace,
        ...(namespaceLabels && { namespaceLabels }),
        ...describedOsc(secrets, mask),
      };
    },
    settle: () => lab.settle(),
    settled({ action, wanted, outcome }) {
      if (wanted === 'timeout') return lab.settle(() => lab.isWaiting());
      const isAwaited = action === 'wait' && wanted !== 'quiet';
      return isAwaited ? lab.settle(() => outcome() === wanted) : lab.settle();
    },
    snapshot: async (mask) => recordedSnapshot({ list, mask, own }),
  };
}

function change(lab: CachesWorld, action: string, value: unknown, mask: NameMask): void {
  const { world, namespace, manager, shoot } = lab;
  const { gardenlet, api } = world;
  const fields = value as Readonly<Record<string, string>>;
  switch (action) {
    case 'apply':
      return gardenlet.apply(namespace, value as Applied);
    case 'reconcile':
      return gardenlet.annotate(namespace, value as string, 'reconcile');
    case 'annotate':
      return gardenlet.annotate(namespace, fields['type'] ?? '', fields['operation'] ?? '');
    case 'patch-extension':
      return gardenlet.patchExtension(
        namespace,
        fields['type'] ?? '',
        fields['patch'] as unknown as MergePatch,
      );
    case 'create-extension':
      return gardenlet.apply(namespace, { ...(value as Applied), operation: null });
    case 'set-status':
      return gardenlet.patchExtension(namespace, fields['type'] ?? '', {
        status: fields['status'],
      });
    case 'delete':
      return gardenlet.delete(namespace, value as string);
    case 'patch-shoot':
      return gardenlet.patchShoot(namespace, value as MergePatch);
    case 'delete-cluster':
      return gardenlet.deleteCluster(namespace);
    case 'put-secret':
      return lab.putSecret(fields['name'] ?? '', value as TestSecret);
    case 'delete-secret':
      return api.remove('v1/secrets', value as string, namespace);
    case 'delete-object':
      if (fields['resource'] === 'extensions') return gardenlet.remove(namespace, fields['name'] ?? '');
      api.remove(COLLECTIONS[fields['resource'] ?? ''] ?? '', mask.real(fields['name'] ?? ''), namespace);
      return manager.look();
    case 'grm':
      return manager.set(value as ManagerMode);
    case 'shoot-service': {
      if (fields['delete'] !== undefined) return shoot.remove('v1/services', fields['delete'], 'kube-system');
      const { metadata, spec = {} } = value as { readonly metadata: object; readonly spec?: object };
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...metadata, namespace: 'kube-system' },
        spec: {
          type: 'ClusterIP',
          ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
          clusterIP: '100.64.9.101',
          ipFamilies: ['IPv4'],
          ...spec,
        },
      };
      return void shoot.put('v1/services', service as unknown as SentObject);
    }
    default:
  }
}

/** Collections whose objects a step deletes. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  secrets: 'v1/secrets',
  managedresources: 'resources.gardener.cloud/v1alpha1/managedresources',
  configmaps: 'v1/configmaps',
};
