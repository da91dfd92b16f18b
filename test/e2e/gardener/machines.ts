import type { MergePatch } from '../../../src/kube/types.ts';
import type { RotationPhase } from '../../cluster/api-credentials.ts';
import { refusal } from '../../cluster/api-requests.ts';
import { kubeconfigOf } from '../../cluster/kubeconfig.ts';
import type { NodeStart } from '../../cluster/nodes.ts';
import type { Cluster } from '../../cluster/start-cluster.ts';
import type { LabCluster } from '../../gardener/lab-cluster.ts';
import type { ShootMachines } from '../../gardener/landscape/shoot-flow.ts';
import { osConfigOf, type OsConfigObject } from '../../gardener/play-osc.ts';
import type { NodeOs } from './node-os.ts';

/** API server and nodes of a shoot, as its landscape starts and ends them. */
export interface Machines extends ShootMachines {
  /** The containerd of nodes that start from now on. */
  containerd: NonNullable<NodeStart['containerd']>;
  /** Writes the Secret by which the extension reaches the shoot. */
  readonly writeAccess: () => Promise<void>;
  /** Changes the node configuration, as a new version of Gardener does, for the next {@link ShootMachines.putNodeConfiguration}. */
  change(patch: MergePatch): void;
  /** Restarts the API server in a phase of a rotation, and gives the extension the credentials of that phase. */
  rotate(phase: RotationPhase): Promise<void>;
  /** Puts a new node into the place of the one that runs. */
  roll(): Promise<void>;
}

export interface MachinesDeps {
  readonly cluster: Cluster;
  readonly seed: LabCluster;
  readonly os: NodeOs;
}

/** Identity of the seed in the shoot. */
const EXTENSION = { commonName: 'gardener', organization: 'system:masters' };
const POOL_LABEL = 'worker.gardener.cloud/system-components=true';

export function createMachines(
  { cluster, seed, os }: MachinesDeps,
  options: { readonly namespace: string; readonly containerd: Machines['containerd'] },
): Machines {
  const { kubectl } = cluster;
  const path = `/apis/extensions.gardener.cloud/v1alpha1/namespaces/${options.namespace}/operatingsystemconfigs`;
  let hasApiServer = true;
  let hasNode = false;
  let patch: MergePatch = {};

  /** Writes the Secret by which the extension reaches the shoot, as gardener-resource-manager keeps it. */
  const writeAccess = async (): Promise<void> => {
    const secrets = `/api/v1/namespaces/${options.namespace}/secrets`;
    const kubeconfig = kubeconfigOf(cluster.api.accessFor(EXTENSION));
    const object = { metadata: { name: 'gardener-internal' }, stringData: { kubeconfig } };
    const answer = await seed.requests('PUT', `${secrets}/gardener-internal`, object);
    if (refusal(answer) !== undefined) await seed.requests('POST', secrets, object);
  };
  const startNodes = async (): Promise<void> => {
    if (hasNode) return;
    await cluster.startNode({ containerd: machines.containerd, prepare: (files) => os.prepare(files) });
    hasNode = true;
    // Labels of the worker pool, which machine-controller-manager writes.
    await kubectl('label', 'node', cluster.nodeName, POOL_LABEL);
    os.start(cluster.hosts);
  };
  /** Drains and deletes, as machine-controller-manager does. */
  const stopNodes = async (): Promise<void> => {
    if (!hasNode) return;
    const name = cluster.nodeName;
    const flags = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--disable-eviction'];
    await kubectl('drain', name, ...flags, '--grace-period=1', '--timeout=60s');
    await os.stop();
    await cluster.stopNode();
    hasNode = false;
    await kubectl('delete', 'node', name);
    // Pod garbage collection would do so after 40 s.
    const onNode = `--field-selector=spec.nodeName=${name}`;
    await kubectl('delete', 'pods', '--all-namespaces', onNode, '--force', '--grace-period=0');
  };
  const machines: Machines = {
    containerd: options.containerd,
    writeAccess,
    async startApiServer() {
      if (!hasApiServer) await cluster.api.restart();
      hasApiServer = true;
    },
    async stopApiServer() {
      if (hasApiServer) await cluster.api.kill();
      hasApiServer = false;
    },
    change(more) {
      patch = { ...patch, ...more };
    },
    async putNodeConfiguration() {
      const wanted = osConfigOf({ osc: patch }, options.namespace);
      const before = await seed.requests('GET', `${path}/${wanted.metadata.name}`);
      const answer =
        refusal(before) === undefined
          ? await seed.requests('PUT', `${path}/${wanted.metadata.name}`, {
              ...wanted,
              metadata: { ...(before as OsConfigObject).metadata, ...wanted.metadata },
            })
          : await seed.requests('POST', path, wanted);
      const problem = refusal(answer);
      if (problem !== undefined) throw new Error(`the node configuration is refused: ${problem.message}`);
      await os.configure(answer as OsConfigObject);
    },
    async deleteNodeConfiguration() {
      await seed.requests('DELETE', path);
    },
    startNodes,
    stopNodes,
    async rotate(phase) {
      await cluster.api.kill();
      await cluster.api.restart(phase);
      await writeAccess();
    },
    async roll() {
      await stopNodes();
      await startNodes();
    },
  };
  return machines;
}
