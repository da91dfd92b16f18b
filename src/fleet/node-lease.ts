import { z } from 'zod';
import { LEASES, type Lease } from '../kube/leader-election/lease.ts';
import { microTime } from '../kube/time.ts';
import type { Intent, KubeObject, OwnerReference } from '../kube/types.ts';
import type { NodeStatus } from './node-status.ts';
import { parseJson } from '../kit/json.ts';

/** Label, with the value `true`, of every Lease that carries a node's status, and annotation with that status as JSON (decision 0007). */
export const NODE_STATUS = 'larder/node-status';

/** Pod that owns the Lease: the Lease is deleted with it. */
export interface NodeLeaseOwner {
  readonly name: string;
  readonly uid: string;
}

export interface NodeReport {
  readonly node: string;
  readonly status: NodeStatus;
  /** Wall clock of the node at the time of writing, in milliseconds since the Unix epoch. */
  readonly renewedAt: number;
}

export function nodeLeaseName(node: string): string {
  return `larder-node-${node}`;
}

/** Lease in which a node reports its status, for server-side apply. */
export function nodeLease(
  { node, status, renewedAt }: NodeReport,
  namespace: string,
  owner: NodeLeaseOwner | undefined,
): Intent<Lease> {
  return {
    apiVersion: `${LEASES.group}/${LEASES.version}`,
    kind: LEASES.kind,
    metadata: {
      name: nodeLeaseName(node),
      namespace,
      labels: { [NODE_STATUS]: 'true' },
      annotations: { [NODE_STATUS]: JSON.stringify(shortened(status)) },
      ...(owner !== undefined && { ownerReferences: [ownerReference(owner)] }),
    },
    spec: {
      holderIdentity: node,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: microTime(renewedAt),
    },
  };
}

/** Reads the report in a node's Lease. Undefined if it cannot be read. */
export function readNodeLease(lease: Lease): NodeReport | undefined {
  const { spec } = LEASE.safeParse(lease).data ?? {};
  const status = readNodeStatus(lease);
  if (spec === undefined || status === undefined) return undefined;
  return { node: spec.holderIdentity, status, renewedAt: Date.parse(spec.renewTime) };
}

/** Reads the status alone, for which the metadata of the Lease are enough. Undefined if it cannot be read. */
export function readNodeStatus({ metadata }: KubeObject): NodeStatus | undefined {
  return STATUS.safeParse(parseJson(metadata.annotations?.[NODE_STATUS] ?? '')).data;
}

/** Reports come every 10 minutes. A node may lose one of them before it counts as silent. */
export const LEASE_SECONDS = 1_500;
/** Longest message in characters. A hundred upstreams stay far below 256 KiB, the limit of annotations. */
const LONGEST_MESSAGE = 256;

const message = z.string();

const STATUS = z.object({
  revision: z.string(),
  containerd: z.object({ state: z.enum(['Set', 'NotSet', 'List', 'Elsewhere', 'Unknown']), message }),
  upstreams: z.array(
    z.object({ upstream: z.string(), state: z.enum(['Ready', 'Down', 'Foreign', 'Failed']), message }),
  ),
}) satisfies z.ZodType<NodeStatus>;

const LEASE = z.object({
  spec: z.object({
    holderIdentity: z.string().min(1),
    renewTime: z.iso.datetime({ offset: true }),
  }),
});

function shortened({ revision, containerd, upstreams }: NodeStatus): NodeStatus {
  const short = <T extends { readonly message: string }>(part: T): T => ({
    ...part,
    message: part.message.slice(0, LONGEST_MESSAGE),
  });
  return { revision, containerd: short(containerd), upstreams: upstreams.map(short) };
}

/** Neither controller nor blocking: both would need rights on Pods. */
function ownerReference({ name, uid }: NodeLeaseOwner): OwnerReference {
  return { apiVersion: 'v1', kind: 'Pod', name, uid };
}
