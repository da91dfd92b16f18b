/** `larder extension` at real API servers with several shoots, so that recorded cases are played side by side. */
import { EXTENSIONS } from '../../src/gardener/extensions/resources.ts';
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import { Agent } from 'node:https';
import { kubeconfigOf } from '../cluster/kubeconfig.ts';
import { waitFor } from '../kit/wait.ts';
import { startExtension, startExtensionLab } from './extension-lab.ts';
import { beginLabCase, type LabCase } from './lab-case.ts';
import { createLabClient, watchLab } from './lab-client.ts';
import type { LabProgram } from './lab-program.ts';
import { sendReview } from './lab-review.ts';
import { registeredBundle } from './start-up-case.ts';
import { namespaceOf, type RecordedCase } from './recorded-cases.ts';

export interface RecordingsLab extends AsyncDisposable {
  readonly program: LabProgram;
  /** Begins a case at a shoot that no other case uses. Throws if there is none. */
  begin(recorded: RecordedCase): Promise<LabCase>;
}

/** Starts the lab with this number of shoots, which takes about 20 s. 0: seed and shoot are one cluster, for one case at a time. */
export async function startRecordingsLab(shoots: number): Promise<RecordingsLab> {
  await using cleanup = new AsyncDisposableStack();
  const lab = cleanup.use(await startExtensionLab({ shoots }));
  const client = async (cluster: typeof lab.seed) =>
    cleanup.adopt(await createLabClient(lab, cluster), (one) => one.close());
  const seed = await client(lab.seed);
  const extensions = cleanup.use(await watchLab(seed, EXTENSIONS)).objects;
  const resources = cleanup.use(await watchLab(seed, MANAGED_RESOURCES)).objects;
  const program = cleanup.use(startExtension(lab));
  await waitFor(() => program.isReady(), { limitMs: 30_000, what: 'larder extension' });
  const ca = await waitFor(() => registeredBundle(lab), { limitMs: 10_000, what: 'the registration' });
  const agent = cleanup.adopt(new Agent({ keepAlive: true, maxSockets: 1 }), (one) => one.destroy());
  const free = await Promise.all(
    lab.shoots.map(async (cluster) => ({
      seed,
      shoot: await client(cluster),
      extensions,
      resources,
      kubeconfig: kubeconfigOf(cluster.server.access),
      ask: (path: string, request: object) => sendReview(lab, 10_250, ca, { path, request, agent }),
    })),
  );
  const all = cleanup.move();
  return {
    program,
    async begin({ name, input }) {
      const seat = free.pop();
      if (seat === undefined) throw new Error('every shoot of the lab is in use');
      const place = await beginLabCase(seat, namespaceOf(name), input).catch((error: unknown) => {
        free.push(seat);
        throw error;
      });
      return {
        ...place,
        async [Symbol.asyncDispose]() {
          await place[Symbol.asyncDispose]();
          free.push(seat);
        },
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
