/** State that gardener-resource-manager gives an object that exists (gardener v1.147.1, `managedresource/merger.go`). */
import {
  groupOf,
  type Labels,
  type Manifest,
  type ManifestSpec,
  type Reference,
  type Template,
} from './manifest.ts';

export const ORIGIN = 'resources.gardener.cloud/origin';
const DESCRIPTION = 'resources.gardener.cloud/description';
const DESCRIPTION_TEXT = 'DO NOT EDIT - This resource is managed by gardener-resource-manager.';
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';
const KEEPS_REPLICAS = 'resources.gardener.cloud/preserve-replicas';

export interface MergeContext {
  /** ManagedResource that the object belongs to. */
  readonly origin: string;
  /** Labels and annotations of the manifest at the last time. */
  readonly last: Reference | undefined;
}

/** Returns what is created when there is no object yet. */
export function firstState(wanted: Manifest, { origin }: MergeContext): Manifest {
  const annotations = { ...wanted.metadata.annotations, ...marks(origin) };
  return { ...wanted, metadata: { ...wanted.metadata, annotations } };
}

/**
 * Returns the object with everything that the manifest has, and nothing else but its status, the metadata of the server, labels and
 * annotations of others, and the fields that others have to decide: replicas that the manifest leaves out, addresses of a Service, claim
 * templates, and the time of a restart.
 */
export function nextState(current: Manifest, wanted: Manifest, { origin, last }: MergeContext): Manifest {
  const { status } = current;
  const { labels, annotations, ownerReferences: _others, ...metadata } = current.metadata;
  const { ownerReferences } = wanted.metadata;
  return {
    ...wanted,
    ...(status !== undefined && { status }),
    metadata: {
      ...metadata,
      labels: mergedMap(wanted.metadata.labels, labels, last?.labels),
      annotations: {
        ...mergedMap(wanted.metadata.annotations, annotations, last?.annotations),
        ...marks(origin),
      },
      ...(ownerReferences !== undefined && { ownerReferences }),
    },
    ...(wanted.spec !== undefined && { spec: specOf(current, wanted) }),
    ...(wanted.kind === 'ServiceAccount' && kept(current, 'secrets', 'imagePullSecrets')),
  };
}

function specOf(current: Manifest, wanted: Manifest): ManifestSpec {
  const { spec: before = {} } = current;
  const { spec = {}, metadata, kind } = wanted;
  if (kind === 'Service')
    return spec['clusterIP'] === 'None' ? spec : { ...spec, ...kept(before, 'clusterIP') };
  if (groupOf(wanted.apiVersion) !== 'apps') return spec;
  const decided =
    kind !== 'DaemonSet' &&
    (spec.replicas === undefined || metadata.annotations?.[KEEPS_REPLICAS] === 'true');
  return {
    ...spec,
    ...(decided && kept(before, 'replicas')),
    ...(kind === 'StatefulSet' && kept(before, 'volumeClaimTemplates')),
    ...(spec.template !== undefined && { template: templateOf(before.template, spec.template) }),
  };
}

/** Keeps a rollout that `kubectl rollout restart` began. */
function templateOf(before: Template | undefined, wanted: Template): Template {
  const restarted = before?.metadata?.annotations?.[RESTARTED];
  if (restarted === undefined) return wanted;
  const annotations = { ...wanted.metadata?.annotations, [RESTARTED]: restarted };
  return { ...wanted, metadata: { ...wanted.metadata, annotations } };
}

/** Keeps entries of others. An entry that left the manifest goes, unless its value was changed meanwhile. */
function mergedMap(wanted: Labels = {}, current: Labels = {}, last: Labels = {}): Labels {
  const isDropped = (name: string): boolean =>
    last[name] !== undefined && last[name] === current[name] && wanted[name] === undefined;
  const others = Object.entries(current).filter(([name]) => !isDropped(name));
  return { ...Object.fromEntries(others), ...wanted };
}

function marks(origin: string): Labels {
  return { [DESCRIPTION]: DESCRIPTION_TEXT, [ORIGIN]: origin };
}

function kept(object: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}
