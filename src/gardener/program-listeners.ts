import { createAdminListener, type AdminDeps } from '../kit/admin/admin-listener.ts';
import type { Clock } from '../kit/clock.ts';
import { drain, listen, type Address } from '../kit/listen.ts';
import type { ObjectKey } from '../kube/types.ts';

/** Settings that the programs for Gardener have in common. */
export interface ProgramSettings {
  /** Undefined: this process acts without a lease. */
  readonly lease: ObjectKey | undefined;
  /** Unique to this process. */
  readonly identity: string;
  /** Undefined: no such listener. */
  readonly metricsAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  readonly version: string;
}

export interface ProgramListenersDeps extends Pick<AdminDeps, 'logger' | 'metrics'> {
  readonly clock: Clock;
  /** Closes the listeners. */
  readonly cleanup: AsyncDisposableStack;
}

/** Starts the listener for `/healthz` and `/readyz` and the one for `/metrics`. Throws `ADDRESS_IN_USE`. */
export async function startProgramListeners(
  { logger, metrics, clock, cleanup }: ProgramListenersDeps,
  { healthAddress, metricsAddress }: Pick<ProgramSettings, 'healthAddress' | 'metricsAddress'>,
  ready: () => boolean,
): Promise<void> {
  const serve = async (
    address: Address | undefined,
    flag: string,
    pages: Pick<AdminDeps, 'ready' | 'metricsPath'>,
  ): Promise<void> => {
    if (address === undefined) return;
    const server = createAdminListener({ logger, metrics, ...pages });
    await listen(server, address, flag);
    cleanup.defer(() => drain(server, () => 0, clock, 0));
  };
  await serve(healthAddress, '--health-bind-address', { ready, metricsPath: false });
  await serve(metricsAddress, '--metrics-bind-address', {});
}
