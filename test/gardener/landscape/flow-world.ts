/** A shoot of the landscape in memory: gardenlet, an extension that does what it is asked for, and a record of what happened. */
import { OPERATION } from '../../../src/gardener/extensions/extension-facts.ts';
import { EXTENSIONS, type Extension } from '../../../src/gardener/extensions/resources.ts';
import {
  MANAGED_RESOURCES,
  type ManagedResource,
} from '../../../src/gardener/managed-resources/managed-resource.ts';
import { ManualClock, type Clock } from '../../../src/kit/clock.ts';
import { find } from '../../../src/kube/objects/find.ts';
import type { KubeObject, ObjectMeta, Resource } from '../../../src/kube/types.ts';
import { createMemoryKube, type MemoryClient } from '../../kube/memory-kube.ts';
import { kindOf } from './manager-world.ts';
import { CLUSTERS } from './seed-objects.ts';
import { createShootFlow, type ShootFlow, type ShootMachines } from './shoot-flow.ts';

const NAMESPACE = 'shoot--lab--one';
interface Cluster extends KubeObject {
  readonly spec: {
    readonly shoot: { readonly status?: { readonly credentials?: { readonly rotation?: object } } };
  };
}

const FINALIZER = 'extension/finalizer';

export interface FlowWorld {
  readonly flow: ShootFlow;
  /** Its time goes on by itself while gardenlet waits. */
  readonly clock: Clock;
  readonly steps: string[];
  /** Calls of {@link ShootMachines}. */
  readonly machines: string[];
  /** Operations that the extension has done. */
  readonly asked: string[];
  /** `keepObjects` of each ManagedResource when it was deleted. */
  readonly keptAtDeletion: Record<string, boolean | undefined>;
  /** True: the extension does nothing. */
  isIdle: boolean;
  /** Runs after each deletion in the shoot. */
  afterDelete: (name: string) => Promise<void> | undefined;
  /** Creates an object in the shoot. */
  put(apiVersion: string, kind: string, name: string, metadata?: Partial<ObjectMeta>): Promise<void>;
  /** Names of all objects of a kind in the shoot, sorted. */
  names(apiVersion: string, kind: string): Promise<string[]>;
  shootRequests(): number;
  extension(type: string): Promise<Extension | undefined>;
  cluster(): Promise<Cluster | undefined>;
  putManagedResource(
    name: string,
    metadata: Partial<ObjectMeta>,
    spec?: Partial<ManagedResource['spec']>,
  ): Promise<void>;
}

export function createFlowWorld(): FlowWorld {
  const manual = new ManualClock();
  const clock: Clock = {
    now: () => manual.now(),
    monotonic: () => manual.monotonic(),
    after(ms, callback) {
      setImmediate(() => manual.advance(ms));
      return manual.after(ms, callback);
    },
  };
  const [seedKube, shootKube] = [createMemoryKube(manual), createMemoryKube(manual)];
  const [seed, shoot] = [seedKube.client(), shootKube.client()];
  const { signal } = new AbortController();
  const call = { signal };
  const machines: string[] = [];
  const machine = (name: string) => async () => void machines.push(name);
  const own = (name: string) => ({ namespace: NAMESPACE, name });

  const watched: MemoryClient = {
    ...seed,
    async create(resource, object, options) {
      const created = await seed.create(resource, object, options);
      await act(object.metadata.name);
      return created;
    },
    async mergePatch(resource, key, patch, options) {
      const patched = await seed.mergePatch(resource, key, patch, options);
      await act(key.name);
      return patched;
    },
    async delete(resource, key, options) {
      if (resource.plural === MANAGED_RESOURCES.plural)
        world.keptAtDeletion[key.name] = (await seed.get(MANAGED_RESOURCES, key, call)).spec.keepObjects;
      await seed.delete(resource, key, options);
      await act(key.name);
    },
  };
  const inShoot: MemoryClient = {
    ...shoot,
    async delete(resource, key, options) {
      await shoot.delete(resource, key, options);
      await world.afterDelete(key.name);
    },
  };

  /** Does what an Extension asks for, within the write that asks. */
  async function act(name: string): Promise<void> {
    const found = await find(seed, EXTENSIONS, own(name), signal);
    if (found === undefined || world.isIdle) return;
    const { annotations, deletionTimestamp, generation } = found.metadata;
    const operation = annotations?.[OPERATION];
    if (deletionTimestamp !== undefined) {
      world.asked.push('delete');
      await seed.mergePatch(EXTENSIONS, own(name), { metadata: { finalizers: null } }, call);
    } else if (operation !== undefined) {
      world.asked.push(operation);
      const metadata = { annotations: { [OPERATION]: null }, finalizers: [FINALIZER] };
      await seed.mergePatch(EXTENSIONS, own(name), { metadata }, call);
      const type = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
      const status = { observedGeneration: generation, lastOperation: { type, state: 'Succeeded' } };
      await seed.mergePatch(EXTENSIONS, own(name), { status }, { ...call, subresource: 'status' });
    }
  }

  const steps: string[] = [];
  const calls: ShootMachines = {
    startApiServer: machine('start-api'),
    stopApiServer: machine('stop-api'),
    putNodeConfiguration: machine('put-configuration'),
    deleteNodeConfiguration: machine('delete-configuration'),
    startNodes: machine('start-nodes'),
    stopNodes: machine('stop-nodes'),
  };
  const flow = createShootFlow(
    { seed: watched, shoot: inShoot, clock, machines: calls },
    { namespace: NAMESPACE, signal, onStep: (step) => void steps.push(step) },
  );
  const world: FlowWorld = {
    flow,
    clock,
    steps,
    machines,
    asked: [],
    keptAtDeletion: {},
    isIdle: false,
    afterDelete: () => undefined,
    async put(apiVersion, kind, name, metadata = {}) {
      const resource = kindOf(apiVersion, kind);
      const place = resource.namespaced ? { namespace: 'default' } : {};
      await shoot.create(resource, { apiVersion, kind, metadata: { name, ...place, ...metadata } }, call);
    },
    async names(apiVersion, kind) {
      const { items } = await shoot.list(kindOf(apiVersion, kind), {}, call);
      return items.map(({ metadata }) => metadata.name).toSorted();
    },
    shootRequests: () => shootKube.requests.length,
    extension: (type) => find(seed, EXTENSIONS, own(type), signal),
    cluster: () => find(seed, CLUSTERS as Resource<Cluster>, { name: NAMESPACE }, signal),
    async putManagedResource(name, metadata, spec = {}) {
      const { group, version, kind } = MANAGED_RESOURCES;
      const object = { apiVersion: `${group}/${version}`, kind, metadata: { ...own(name), ...metadata } };
      await seed.create(MANAGED_RESOURCES, { ...object, spec: { secretRefs: [], ...spec } }, call);
    },
  };
  return world;
}
