import { z } from 'zod';
import { LEASES, type Lease } from '../kube/leader-election/lease.ts';
import { microTime } from '../kube/time.ts';
import type { Intent, OwnerReference } from '../kube/types.ts';
import type { NodeStatus } from './node-status.ts';

/**
 * Of every Lease with the status of a node, the value being `true`; and the annotation that has the status, as JSON. Both as in decision 0007.
 */
export const NODE_STATUS = 'larder/node-status';

/** Of a Pod, which takes the Lease with it when it goes. */
export interface NodeLeaseOwner {
  readonly name: string;
  readonly uid: string;
}

export interface NodeReport {
  readonly node: string;
  readonly status: NodeStatus;
  /** When the node wrote it, by its own wall clock: milliseconds since the Unix epoch. */
  readonly renewedAt: number;
}

export function nodeLeaseName(node: string): string {
  return `larder-node-${node}`;
}

/** The Lease by which a node says what it has made of its document, for server-side apply. */
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

/** What a node's Lease says; undefined when that cannot be made out. */
export function readNodeLease(lease: Lease): NodeReport | undefined {
  const { metadata, spec } = LEASE.safeParse(lease).data ?? {};
  const status = STATUS.safeParse(jsonOrNothing(metadata?.annotations[NODE_STATUS])).data;
  if (spec === undefined || status === undefined) return undefined;
  return { node: spec.holderIdentity, status, renewedAt: Date.parse(spec.renewTime) };
}

/** One renewal may be lost before a node counts as silent: they come every 10 minutes. */
export const LEASE_SECONDS = 1_500;
/** Of a message. A hundred upstreams stay far below the 256 KiB that annotations may have. */
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
  metadata: z.object({ annotations: z.object({ [NODE_STATUS]: z.string() }) }),
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

/** Not as a controller, and blocking nothing: both would take rights on Pods. */
function ownerReference({ name, uid }: NodeLeaseOwner): OwnerReference {
  return { apiVersion: 'v1', kind: 'Pod', name, uid };
}

function jsonOrNothing(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
