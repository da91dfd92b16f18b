import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../kit/place.ts';
import { run } from '../parts/run.ts';
import type { Kubectl } from './kubectl.ts';

/** StorageClass with its volumes. */
export interface VolumeClass {
  readonly name: string;
  /** Declared capacity of each volume, such as `10Gi`. */
  readonly capacities: readonly string[];
  /** True for the class of claims that name none. */
  readonly isDefault?: boolean;
  /** True if claims may grow. */
  readonly expandable?: boolean;
  /** Real size of each volume, in the syntax of `mount -t tmpfs`, which keeps it in memory. Default: a directory of the machine's disk. */
  readonly memory?: string;
}

/** Storage of a cluster: directories of its node, prepared by hand as for bare metal. */
export interface Volumes {
  /** Directory of a claim's volume. Empty outside of the node for a class with `memory`. */
  pathOf(claim: string, namespace: string): Promise<string>;
  /** Gives a grown claim its requested capacity, as a storage system does. */
  grow(claim: string, namespace: string): Promise<void>;
  /** Fills the file system of a claim's volume. Needs a class with `memory`. */
  fill(claim: string, namespace: string): Promise<void>;
  /** Removes the file of {@link Volumes.fill}. */
  unfill(claim: string, namespace: string): Promise<void>;
}

interface Volume {
  readonly one: VolumeClass;
  readonly name: string;
  readonly capacity: string;
  readonly path: string;
}

interface Claim {
  readonly spec: {
    readonly volumeName: string;
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}

const FILLER = 'filler';

/**
 * Creates the classes and their volumes below `directory`. The volumes are `local`, because the kubelet gives those to the group that a
 * pod names (`fsGroup`), which it does not do for `hostPath`.
 */
export async function createVolumes(
  { kubectl, place, directory }: { kubectl: Kubectl; place: Place; directory: string },
  classes: readonly VolumeClass[],
): Promise<Volumes> {
  const volumes = classes.flatMap((one): Volume[] =>
    one.capacities.map((capacity, index) => {
      const name = `${one.name}-${index + 1}`;
      return { one, name, capacity, path: join(directory, name) };
    }),
  );
  for (const { one, path } of volumes) {
    mkdirSync(path, { recursive: true });
    // The mount exists only in the kubelet's place. Elsewhere the directory stays empty.
    if (one.memory !== undefined)
      await run('mount', ['-t', 'tmpfs', '-o', `size=${one.memory}`, 'tmpfs', path], { place });
  }
  await kubectl.apply(...classes.map(classOf), ...volumes.map(volumeOf));

  const claimed = async (claim: string, namespace: string): Promise<Claim> =>
    kubectl.json<Claim>('persistentvolumeclaim', claim, `--namespace=${namespace}`);
  const pathOf: Volumes['pathOf'] = async (claim, namespace) =>
    join(directory, (await claimed(claim, namespace)).spec.volumeName);
  const fillerOf = async (claim: string, namespace: string): Promise<string> =>
    join(await pathOf(claim, namespace), FILLER);
  return {
    pathOf,
    async grow(claim, namespace) {
      const { volumeName, resources } = (await claimed(claim, namespace)).spec;
      const capacity = { storage: resources.requests.storage };
      await patch(kubectl, ['persistentvolume', volumeName], { spec: { capacity } });
      const object = ['persistentvolumeclaim', claim, `--namespace=${namespace}`, '--subresource=status'];
      await patch(kubectl, object, { status: { capacity, conditions: [] } });
    },
    async fill(claim, namespace) {
      // cat ends with an error when the volume is full.
      const script = `cat /dev/zero >${await fillerOf(claim, namespace)} 2>/dev/null || true`;
      await run('sh', ['-c', script], { place });
    },
    async unfill(claim, namespace) {
      await run('rm', [await fillerOf(claim, namespace)], { place });
    },
  };
}

async function patch(kubectl: Kubectl, object: readonly string[], change: object): Promise<void> {
  await kubectl('patch', ...object, '--type=merge', `--patch=${JSON.stringify(change)}`);
}

function classOf({ name, isDefault = false, expandable = false }: VolumeClass): object {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': String(isDefault) };
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, annotations },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: expandable,
  };
}

function volumeOf({ one, name, capacity, path }: Volume): object {
  // A node that takes the place of another one gets its volumes.
  const anyNode = { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: capacity },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: one.name,
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [anyNode] }] } },
    },
  };
}
