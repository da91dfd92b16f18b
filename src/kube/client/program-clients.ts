import type { Clock } from '../../kit/clock.ts';
import type { KubeConnection } from '../connection/connection.ts';
import type { KubeMetrics } from '../metrics.ts';
import { createKubeClient, KUBE_CLIENT_LIMITS, type ClosableKubeClient } from './kube-client.ts';

/** Calls of a controller, as in the Gardener extension (its `app.go`): 200 objects created at once are ready in a minute; at rest it is one call in 2 s. */
const RATE = { perSecond: 100, burst: 130 };

export interface ProgramClientsDeps {
  readonly clock: Clock;
  readonly metrics: KubeMetrics;
}

/** Makes a client of the API server behind a connection. `beforeWrite` runs before each write and may refuse it. */
export type ConnectProgram = (connection: KubeConnection, beforeWrite?: () => void) => ClosableKubeClient;

/** Makes the clients of a controller program such as `operator`. Whoever makes a client closes it. */
export function programClients(
  { clock, metrics }: ProgramClientsDeps,
  { program, version }: { readonly program: string; readonly version: string },
): ConnectProgram {
  const userAgent = `larder/${version} (${program})`;
  return (connection, beforeWrite) =>
    createKubeClient(
      { connection, clock, metrics, ...(beforeWrite !== undefined && { beforeWrite }) },
      { userAgent, limits: { ...KUBE_CLIENT_LIMITS, rate: RATE } },
    );
}
