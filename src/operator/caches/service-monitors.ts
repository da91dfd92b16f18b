import type { Clock } from '../../kit/clock.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import { CRDS, SERVICE_MONITORS } from '../resources.ts';

/** The Prometheus operator is rarely installed after Larder, and a late ServiceMonitor loses nothing. */
const GOOD_FOR_MS = 10 * 60_000;

/** Whether the cluster knows ServiceMonitor objects, as of ten minutes ago at most. */
export function createServiceMonitorCheck({
  client,
  clock,
}: {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
}): (signal: AbortSignal) => Promise<boolean> {
  let last: { readonly at: number; readonly answer: Promise<boolean> } | undefined;

  async function ask(signal: AbortSignal): Promise<boolean> {
    const name = `${SERVICE_MONITORS.plural}.${SERVICE_MONITORS.group}`;
    return (await find(client, metadataOf(CRDS), { name }, signal)) !== undefined;
  }

  return async (signal) => {
    const now = clock.monotonic();
    if (last === undefined || now >= last.at + GOOD_FOR_MS) last = { at: now, answer: ask(signal) };
    const { answer } = last;
    try {
      return await answer;
    } catch (error) {
      // The next one asks anew.
      if (last?.answer === answer) last = undefined;
      throw error;
    }
  };
}
