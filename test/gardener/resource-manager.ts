/**
 * A stand-in for gardener-resource-manager: applies the Services of ManagedResources to a shoot and reports. It acts within the write that
 * it reacts to, so a test does not wait for it.
 */
import type { ApiServer } from '../kube/api-server.ts';
import type { StoredObject } from '../kube/api-store.ts';
import { manifestsOf, type AnyObject } from './recorded-snapshot.ts';

export const GRM_FINALIZER = 'resources.gardener.cloud/gardener-resource-manager';

/** `off`: does nothing. `blockdelete`: ignores deletions. The others report so. */
export type ManagerMode = 'normal' | 'off' | 'unhealthy' | 'notapplied' | 'blockdelete';

export interface ResourceManager {
  /** Changes the mode, and looks at everything again. */
  set(mode: ManagerMode): void;
  /** Looks at everything, as after a change of something else. */
  look(): void;
}

const IN_RESOURCES = 'resources.gardener.cloud/v1alpha1/managedresources';

export function startResourceManager(
  seed: ApiServer,
  shoot: ApiServer,
  options: { readonly namespace: string; readonly mode?: ManagerMode; readonly isIPv6?: boolean },
): ResourceManager {
  let { mode = 'normal' } = options;
  let addresses = 0;
  const done = new Map<string, string>();
  const applied = new Map<string, Set<string>>();

  seed.store.onChange(({ collection, object, isDeletion }) => {
    if (collection === IN_RESOURCES && !isDeletion) look(object);
  });

  function look({ metadata: { name } }: StoredObject): void {
    const key = { collection: IN_RESOURCES, namespace: options.namespace, name };
    const found = seed.store.find(key);
    if (found === undefined || mode === 'off') return;
    if (found.metadata.deletionTimestamp !== undefined) return finish(found, key);
    const seen = `${found.metadata.uid} ${found.metadata.generation}`;
    if (done.get(name) === seen) return;
    done.set(name, seen);
    const { finalizers = [], ...metadata } = found.metadata;
    const all = finalizers.includes(GRM_FINALIZER) ? finalizers : [...finalizers, GRM_FINALIZER];
    const problem = apply(found);
    const isApplied = problem === undefined && mode !== 'notapplied';
    const conditions = [
      condition('ResourcesApplied', isApplied, problem ?? 'All resources are applied.'),
      condition('ResourcesHealthy', mode !== 'unhealthy', ''),
    ];
    const status = { observedGeneration: metadata.generation, conditions };
    seed.store.replace(key, { ...found, metadata: { ...metadata, finalizers: all }, status });
  }

  function finish(found: StoredObject, key: { collection: string; namespace: string; name: string }): void {
    const { finalizers = [], ...metadata } = found.metadata;
    if (mode === 'blockdelete' || !finalizers.includes(GRM_FINALIZER)) return;
    const { keepObjects } = found['spec'] as { readonly keepObjects?: boolean };
    if (keepObjects !== true) for (const name of applied.get(key.name) ?? []) removeService(name);
    applied.delete(key.name);
    done.delete(key.name);
    const others = finalizers.filter((one) => one !== GRM_FINALIZER);
    seed.store.replace(key, { ...found, metadata: { ...metadata, finalizers: others } });
  }

  /** Returns a message if a Secret is missing. Nothing is deleted then. */
  function apply({ metadata, spec }: AnyObject): string | undefined {
    const before = applied.get(metadata.name) ?? new Set<string>();
    const wanted = new Set<string>();
    let problem: string | undefined;
    for (const { name } of spec?.secretRefs ?? []) {
      const secret = seed.store.find({ collection: 'v1/secrets', namespace: options.namespace, name });
      if (secret === undefined) problem = `secret ${name} not found`;
      for (const manifest of manifestsOf(secret)) {
        if (manifest.kind !== 'Service') continue;
        wanted.add(manifest.metadata.name);
        applyService(manifest, spec?.['injectLabels'] as object);
      }
    }
    if (problem !== undefined) for (const name of before) wanted.add(name);
    for (const name of before) if (!wanted.has(name)) removeService(name);
    applied.set(metadata.name, wanted);
    return problem;
  }

  function applyService(service: AnyObject, labels: object): void {
    const { name } = service.metadata;
    const before = shoot.store.find({ collection: 'v1/services', namespace: 'kube-system', name });
    const { clusterIP, ipFamilies } = (before?.['spec'] ?? newAddress()) as Record<string, unknown>;
    const metadata = { ...service.metadata, labels: { ...service.metadata.labels, ...labels } };
    const spec = { ...service.spec, clusterIP, ipFamilies };
    shoot.put('v1/services', { apiVersion: 'v1', ...service, metadata, spec });
  }

  function newAddress(): object {
    addresses += 1;
    return options.isIPv6 === true
      ? { clusterIP: `fd00:10::${99 + addresses}`, ipFamilies: ['IPv6'] }
      : { clusterIP: `100.64.1.${99 + addresses}`, ipFamilies: ['IPv4'] };
  }

  function removeService(name: string): void {
    const key = { collection: 'v1/services', namespace: 'kube-system', name };
    if (shoot.store.find(key) !== undefined) shoot.remove('v1/services', name, 'kube-system');
  }

  const lookAtAll = (): void => {
    for (const object of seed.store.list(IN_RESOURCES, options.namespace)) look(object);
  };
  return {
    set(next) {
      mode = next;
      done.clear();
      lookAtAll();
    },
    look: lookAtAll,
  };
}

function condition(type: string, isTrue: boolean, message: string): object {
  return { type, status: isTrue ? 'True' : 'False', reason: 'Lab', message };
}
