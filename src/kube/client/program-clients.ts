import type { Clock } from '../../kit/clock.ts';
import type { Rate } from '../../kit/token-bucket.ts';
import type { KubeConnection } from '../connection/connection.ts';
import type { KubeMetrics } from '../metrics.ts';
import {
  createKubeClient,
  KUBE_CLIENT_LIMITS,
  type ClosableKubeClient,
  type KubeClientLimits,
} from './kube-client.ts';

/** Calls of a controller, as in the Gardener extension (its `app.go`): 200 objects created at once are ready in a minute; at rest it is one call in 2 s. */
const RATE = { perSecond: 100, burst: 130 };

export interface ProgramClientsDeps {
  readonly clock: Clock;
  readonly metrics: KubeMetrics;
}

/** Rate of a client whose calls do not wait for one another. */
const UNLIMITED: Rate = { perSecond: 1e6, burst: 1e6 };

export interface ProgramClientOptions {
  /** Runs before each write and may refuse it. */
  readonly beforeWrite?: () => void;
  /** True if no call may wait until the rate allows it. */
  readonly isUrgent?: boolean;
  /** Limits that are tighter than the usual ones, for a server that is not trusted. */
  readonly limits?: Partial<Pick<KubeClientLimits, 'answerBytes' | 'pages' | 'callMs'>>;
}

/** Makes a client of the API server behind a connection. */
export type ConnectProgram = (
  connection: KubeConnection,
  options?: ProgramClientOptions,
) => ClosableKubeClient;

/** Makes the clients of a controller program such as `operator`. Whoever makes a client closes it. */
export function programClients(
  { clock, metrics }: ProgramClientsDeps,
  { program, version }: { readonly program: string; readonly version: string },
): ConnectProgram {
  const userAgent = `larder/${version} (${program})`;
  return (connection, { isUrgent = false, limits, ...guard } = {}) =>
    createKubeClient(
      { connection, clock, metrics, ...guard },
      { userAgent, limits: { ...KUBE_CLIENT_LIMITS, rate: isUrgent ? UNLIMITED : RATE, ...limits } },
    );
}
