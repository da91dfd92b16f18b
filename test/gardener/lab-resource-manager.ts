/** The stand-in of gardener-resource-manager at real API servers. Like `resource-manager.ts` it applies Services, and nothing else. */
import {
  MANAGED_RESOURCES,
  type ManagedResource,
} from '../../src/gardener/managed-resources/managed-resource.ts';
import type { ObjectStore } from '../../src/kube/informer/object-store.ts';
import { isNotFound } from '../../src/kube/kube-error.ts';
import { find } from '../../src/kube/objects/find.ts';
import type { KubeClient } from '../../src/kube/types.ts';
import { SECRETS, SERVICES } from '../../src/operator/cluster/resources.ts';
import { manifestsOf, type AnyObject } from './recorded-snapshot.ts';
import { GRM_FINALIZER, type ManagerMode } from './resource-manager.ts';

export interface LabManagerDeps {
  readonly seed: KubeClient;
  readonly shoot: KubeClient;
  readonly resources: ObjectStore<ManagedResource>;
}

export interface LabManager extends AsyncDisposable {
  /** Changes the mode, and looks at everything again. */
  set(mode: ManagerMode): void;
  /** True if everything that the server has was handled. */
  isIdle(): boolean;
}

interface LabManagerOptions {
  readonly namespace: string;
  readonly mode?: ManagerMode;
  readonly isIPv6?: boolean;
}

/** Handles the ManagedResources of a namespace until it is disposed. Disposing throws what went wrong. */
export function startLabManager(
  { seed, shoot, resources }: LabManagerDeps,
  { namespace, mode: firstMode = 'normal', isIPv6 = false }: LabManagerOptions,
): LabManager {
  let mode = firstMode;
  let working = 0;
  let work: Promise<unknown> = Promise.resolve();
  const failures: unknown[] = [];
  const ended = new AbortController();
  const call = { signal: ended.signal };
  const done = new Map<string, string>();
  /** Names of the Services of each ManagedResource. Its Secrets may be gone before it. */
  const applied = new Map<string, ReadonlySet<string>>();

  function look(name: string): void {
    working += 1;
    const turn = async (): Promise<void> => {
      try {
        if (!ended.signal.aborted) await handle(name);
      } catch (error) {
        // An object that has gone meanwhile has nothing left to handle.
        if (!isNotFound(error) && !ended.signal.aborted) failures.push(error);
      } finally {
        working -= 1;
      }
    };
    work = work.then(turn);
  }
  const lookAtAll = (): void => {
    for (const { metadata } of resources.list(namespace)) look(metadata.name);
  };
  const unsubscribe = resources.onChange((_, after) => {
    if (after?.metadata.namespace === namespace) look(after.metadata.name);
  });

  async function handle(name: string): Promise<void> {
    const key = { namespace, name };
    const found = mode === 'off' ? undefined : await find(seed, MANAGED_RESOURCES, key, ended.signal);
    if (found === undefined) return;
    const { finalizers = [], deletionTimestamp } = found.metadata;
    if (deletionTimestamp !== undefined) {
      if (mode === 'blockdelete') return;
      if (found.spec.keepObjects !== true) await remove(applied.get(name) ?? new Set());
      applied.delete(name);
      const others = finalizers.filter((one) => one !== GRM_FINALIZER);
      await seed.mergePatch(MANAGED_RESOURCES, key, { metadata: { finalizers: others } }, call);
      return;
    }
    if (done.get(name) === seen(found)) return;
    if (!finalizers.includes(GRM_FINALIZER)) {
      const all = [...finalizers, GRM_FINALIZER];
      await seed.mergePatch(MANAGED_RESOURCES, key, { metadata: { finalizers: all } }, call);
    }
    const problem = await apply(found);
    const isApplied = problem === undefined && mode !== 'notapplied';
    const conditions = [
      condition('ResourcesApplied', isApplied, problem ?? 'All resources are applied.'),
      condition('ResourcesHealthy', mode !== 'unhealthy', ''),
    ];
    const status = { observedGeneration: found.metadata.generation, conditions };
    await seed.mergePatch(MANAGED_RESOURCES, key, { status }, { ...call, subresource: 'status' });
    done.set(name, seen(found));
  }

  /** Returns a message if a Secret is missing. Nothing is deleted then. */
  async function apply({ metadata, spec }: ManagedResource): Promise<string | undefined> {
    const before = applied.get(metadata.name) ?? new Set<string>();
    const wanted = new Set<string>();
    let problem: string | undefined;
    for (const { name } of spec.secretRefs) {
      const secret = await find(seed, SECRETS, { namespace, name }, ended.signal);
      if (secret === undefined) problem = `secret ${name} not found`;
      for (const manifest of manifestsOf(secret as AnyObject | undefined)) {
        if (manifest.kind !== 'Service') continue;
        wanted.add(manifest.metadata.name);
        await applyService(manifest, spec.injectLabels ?? {});
      }
    }
    if (problem === undefined) await remove(new Set([...before].filter((name) => !wanted.has(name))));
    applied.set(metadata.name, problem === undefined ? wanted : new Set([...before, ...wanted]));
    return problem;
  }

  /** Addresses of a Service stay when it is applied again. */
  async function applyService(service: AnyObject, labels: object): Promise<void> {
    const { metadata, spec } = service;
    const family = isIPv6 ? { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' } : {};
    const intent = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
      spec: { ...spec, ...family },
    };
    await shoot.apply(SERVICES, intent, { ...call, fieldManager: 'lab', force: true });
  }

  async function remove(names: ReadonlySet<string>): Promise<void> {
    for (const name of names) await shoot.delete(SERVICES, { namespace: 'kube-system', name }, call);
  }

  const isHandled = (resource: ManagedResource): boolean =>
    resource.metadata.deletionTimestamp === undefined
      ? done.get(resource.metadata.name) === seen(resource)
      : mode === 'blockdelete';
  return {
    set(next) {
      mode = next;
      done.clear();
      lookAtAll();
    },
    isIdle: () => mode === 'off' || (working === 0 && resources.list(namespace).every(isHandled)),
    async [Symbol.asyncDispose]() {
      unsubscribe();
      ended.abort();
      await work;
      if (failures.length > 0) throw new AggregateError(failures, 'gardener-resource-manager failed');
    },
  };
}

function seen({ metadata: { uid, generation } }: ManagedResource): string {
  return `${uid} ${generation}`;
}

function condition(type: string, isTrue: boolean, message: string): object {
  return { type, status: isTrue ? 'True' : 'False', reason: 'Lab', message };
}
