import { z } from 'zod';
import { LarderError } from '../../kit/errors.ts';
import type { Cluster } from './cluster.ts';
import { goBoolean, goList, goOptionalStruct, goStruct, goText, unmarshalText } from './go-fields.ts';

/** Lets a pod run on nodes with a taint (`core/v1`, `Toleration`). */
export interface Toleration {
  readonly key: string;
  readonly operator: 'Exists' | 'Equal';
  readonly value?: string;
  readonly effect?: string;
}

/** Label of the nodes of worker pools that may run components of the system. */
export const SYSTEM_NODES = { 'worker.gardener.cloud/system-components': 'true' } as const;

/**
 * Lists what a pod has to tolerate to run on every worker pool for components of the system, sorted and each once. gardener-resource-manager gives the
 * same to pods in `kube-system`, and to no others (gardener v1.147.1, `pkg/utils/gardener`, `ExtractSystemComponentsTolerations`). Throws
 * `CONFIG_INVALID` in the words of Go if a field has a value of another type.
 */
export function systemTolerations({ spec }: Cluster): readonly Toleration[] {
  const shoot = spec?.shoot ?? {};
  const result = SHOOT.safeParse(shoot);
  if (!result.success) throw new LarderError('CONFIG_INVALID', unmarshalText(shoot, result.error));
  const { workers } = result.data.spec.provider;
  const allowed = workers.filter(({ systemComponents }) => systemComponents?.allow ?? true);
  const found = [
    ...(workers.some(({ controlPlane }) => controlPlane != null) ? [CONTROL_PLANE] : []),
    ...allowed.flatMap(({ taints }) => taints.map(tolerationOf)),
  ];
  const byText = new Map(found.map((one) => [JSON.stringify(one), one]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, toleration]) => toleration);
}

/** Nodes of a self-hosted shoot that run its control plane. */
const CONTROL_PLANE: Toleration = { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' };

function tolerationOf({ key, value, effect }: z.output<typeof TAINT>): Toleration {
  return {
    key,
    ...(value === '' ? { operator: 'Exists' } : { operator: 'Equal', value }),
    ...(effect !== '' && { effect }),
  };
}

const TAINT = goStruct('Worker.spec.provider.workers.taints of type v1.Taint', {
  key: goText('Taint.spec.provider.workers.taints.key of type string'),
  value: goText('Taint.spec.provider.workers.taints.value of type string'),
  effect: goText('Taint.spec.provider.workers.taints.effect of type v1.TaintEffect'),
});

const WORKER = goStruct('Provider.spec.provider.workers of type v1beta1.Worker', {
  taints: goList('Worker.spec.provider.workers.taints of type []v1.Taint', TAINT),
  systemComponents: goOptionalStruct(
    'Worker.spec.provider.workers.systemComponents of type v1beta1.WorkerSystemComponents',
    {
      allow: goBoolean('WorkerSystemComponents.spec.provider.workers.systemComponents.allow of type bool'),
    },
  ),
  controlPlane: z.unknown().optional(),
});

const SHOOT = goStruct('Shoot of type v1beta1.Shoot', {
  spec: goStruct('Shoot.spec of type v1beta1.ShootSpec', {
    provider: goStruct('ShootSpec.spec.provider of type v1beta1.Provider', {
      workers: goList('Provider.spec.provider.workers of type []v1beta1.Worker', WORKER),
    }),
  }),
});
