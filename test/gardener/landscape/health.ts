/** Health and progress of objects, as the conditions of a ManagedResource count them (gardener v1.147.1, `utils/kubernetes/health`). */
import type { Manifest } from './manifest.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/** Returns why an object is not healthy. Kinds without a rule are. */
export function illness({ kind, metadata, spec, status = {} }: Manifest): string | undefined {
  const number = (name: string): number => Number(status[name] ?? 0);
  const is = (type: string): string => conditionOf(status, type)?.status ?? 'Unknown';
  const stale = isStale(metadata.generation, status);
  if (metadata.annotations?.[SKIP] === 'true') return undefined;
  switch (kind) {
    case 'Deployment':
      if (stale) return STALE;
      if (is('Available') !== 'True') return 'it is not available';
      return is('Progressing') === 'False' || is('ReplicaFailure') === 'True'
        ? 'its rollout failed'
        : undefined;
    case 'StatefulSet':
      if (stale) return STALE;
      return number('readyReplicas') < (spec?.replicas ?? 1) ? 'not enough ready replicas' : undefined;
    case 'DaemonSet':
      if (stale) return STALE;
      if (number('currentNumberScheduled') < number('desiredNumberScheduled'))
        return 'not enough scheduled pods';
      if (number('numberMisscheduled') > 0) return 'misscheduled pods';
      return number('numberUnavailable') > tolerated(spec, status) ? 'too many unavailable pods' : undefined;
    case 'CustomResourceDefinition':
      return is('Established') === 'True' && is('NamesAccepted') === 'True'
        ? undefined
        : 'it is not established';
    default:
      return undefined;
  }
}

/** Returns why the rollout of an object goes on. Kinds without a rule have none. */
export function progress({ kind, metadata, spec, status = {} }: Manifest): string | undefined {
  const updated = (name: string, wanted: number): string | undefined =>
    Number(status[name] ?? 0) < wanted ? 'not all pods are updated' : undefined;
  if (!['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind)) return undefined;
  if (isStale(metadata.generation, status)) return STALE;
  if (kind === 'StatefulSet') return updated('updatedReplicas', spec?.replicas ?? 1);
  if (kind === 'DaemonSet')
    return updated('updatedNumberScheduled', Number(status['desiredNumberScheduled'] ?? 0));
  const { status: state, reason } = conditionOf(status, 'Progressing') ?? {};
  return state === 'True' && reason === 'NewReplicaSetAvailable' ? undefined : 'its rollout goes on';
}

const SKIP = 'resources.gardener.cloud/skip-health-check';
const STALE = 'its controller has not seen this generation';

function isStale(generation: number | undefined, status: Readonly<Record<string, unknown>>): boolean {
  return Number(status['observedGeneration'] ?? 0) < (generation ?? 0);
}

function conditionOf(status: Readonly<Record<string, unknown>>, type: string): Condition | undefined {
  return (status['conditions'] as readonly Condition[] | undefined)?.find((one) => one.type === type);
}

/** Unavailable pods of a DaemonSet that are no illness: none, unless a rollout goes on. */
function tolerated(spec: Manifest['spec'], status: Readonly<Record<string, unknown>>): number {
  const desired = Number(status['desiredNumberScheduled'] ?? 0);
  if (Number(status['updatedNumberScheduled'] ?? 0) >= desired) return 0;
  const strategy = spec?.['updateStrategy'] as
    | { rollingUpdate?: { maxUnavailable?: number | string } }
    | undefined;
  const most = strategy?.rollingUpdate?.maxUnavailable ?? 0;
  return typeof most === 'number' ? most : Math.floor((desired * Number.parseInt(most, 10)) / 100);
}
