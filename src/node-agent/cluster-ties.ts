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
  readonly node: string;
  /** Pod of this process. */
  readonly owner: NodeLeaseOwner | undefined;
  /** Directory in which the document outlives this process. Undefined: none. */
  readonly stateDirectory: string | undefined;
  readonly userAgent: string;
}

/** Connects a node agent to the API server: the source of its document, and the reporter of its status. */
export interface ClusterTies {
  readonly source: DocumentSource;
  readonly reporter: StatusReporter;
  close(): Promise<void>;
}

/** Sends no request yet. Both use the namespace of the connection. */
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

/** Same name as the key in the ConfigMap. */
const COPY = 'nodes.json';
