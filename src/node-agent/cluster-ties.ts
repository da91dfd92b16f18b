import { join } from 'node:path';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import { createKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { withoutMetrics } from '../kube/metrics.ts';
import { createConfigMapSource } from './document/config-map-source.ts';
import { createDocumentCopy } from './document/document-copy.ts';
import type { DocumentSource } from './document/document-source.ts';
import { createLeaseReporter } from './lease-reporter.ts';
import type { NodeLeaseOwner } from '../fleet/node-lease.ts';
import type { StatusReporter } from './status-reporter.ts';

export interface ClusterTiesDeps {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export interface ClusterTiesOptions {
  /** Name of this node. */
  readonly node: string;
  /** The Pod of this process. */
  readonly owner: NodeLeaseOwner | undefined;
  /** Where the document outlives this process; undefined: nowhere. */
  readonly stateDirectory: string | undefined;
  /** As in `KubeClientOptions`. */
  readonly userAgent: string;
}

/** What ties a node's agent to the API server: where its document comes from, and where its status goes. */
export interface ClusterTies {
  readonly source: DocumentSource;
  readonly reporter: StatusReporter;
  close(): Promise<void>;
}

/** Asks nothing yet. Both are in the namespace of the connection. */
export function createClusterTies(
  { connection, clock, logger, random }: ClusterTiesDeps,
  { node, owner, stateDirectory, userAgent }: ClusterTiesOptions,
): ClusterTies {
  const { namespace } = connection;
  const client = createKubeClient({ connection, clock, metrics: withoutMetrics }, { userAgent });
  const copy =
    stateDirectory === undefined ? undefined : createDocumentCopy(join(stateDirectory, COPY), logger);
  return {
    source: createConfigMapSource(
      { client, clock, logger, random, metrics: withoutMetrics, copy },
      { namespace },
    ),
    reporter: createLeaseReporter({ client, clock, logger, random }, { namespace, node, owner }),
    close: () => client.close(),
  };
}

/** The name in the ConfigMap, too. */
const COPY = 'nodes.json';
