import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../kit/place.ts';
import { run } from '../parts/run.ts';
import type { Kubectl } from './kubectl.ts';
import { NODE_NAME } from './node-files.ts';

/** A StorageClass, and the volumes that there are of it. */
export interface VolumeClass {
  readonly name: string;
  /** How much each of them says it has, such as `10Gi`. */
  readonly capacities: readonly string[];
  /** Whether claims get it that name no class. */
  readonly isDefault?: boolean;
  /** Whether a claim may be made larger. */
  readonly expandable?: boolean;
  /** What each of them really has, in the words of `mount -t tmpfs`: it is then in memory. A directory of the machine's disk unless told. */
  readonly memory?: string;
}

/** The storage of a cluster: directories of its node, prepared by hand as for bare metal. */
export interface Volumes {
  /** Does what a storage system does when a claim was made larger: it gives it what it asks for. */
  grow(claim: string, namespace: string): Promise<void>;
  /** Fills the file system of the volume that a claim has. Needs a class with `memory`. */
  fill(claim: string, namespace: string): Promise<void>;
  /** Takes that back. */
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
 * Creates the classes and their volumes below `directory`. They are `local` ones, since the kubelet gives those to the group
 * that a pod names (`fsGroup`), and `hostPath` not.
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
    // Mounted where the kubelet is; elsewhere the directory stays empty.
    if (one.memory !== undefined)
      await run('mount', ['-t', 'tmpfs', '-o', `size=${one.memory}`, 'tmpfs', path], { place });
  }
  await kubectl.apply(...classes.map(classOf), ...volumes.map(volumeOf));

  const claimed = async (claim: string, namespace: string): Promise<Claim> =>
    kubectl.json<Claim>('persistentvolumeclaim', claim, `--namespace=${namespace}`);
  const fillerOf = async (claim: string, namespace: string): Promise<string> =>
    join(directory, (await claimed(claim, namespace)).spec.volumeName, FILLER);
  return {
    async grow(claim, namespace) {
      const { volumeName, resources } = (await claimed(claim, namespace)).spec;
      const capacity = { storage: resources.requests.storage };
      await patch(kubectl, ['persistentvolume', volumeName], { spec: { capacity } });
      const object = ['persistentvolumeclaim', claim, `--namespace=${namespace}`, '--subresource=status'];
      await patch(kubectl, object, { status: { capacity, conditions: [] } });
    },
    async fill(claim, namespace) {
      // It ends with an error, when there is no room for more.
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
  const onTheNode = { key: 'kubernetes.io/hostname', operator: 'In', values: [NODE_NAME] };
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
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onTheNode] }] } },
    },
  };
}
