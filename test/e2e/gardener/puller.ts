import { pullSecretOf, runPod } from '../../cluster/pods.ts';
import type { Cluster } from '../../cluster/start-cluster.ts';
import { waitFor, type Upstream } from '../../kit/index.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../../parts/runnable-image.ts';
import { ALICE, CLOSED, OPEN } from '../setting.ts';

/** Pods that pull all the time, one after the other: images that are new, images that the node had and has lost, and private ones. */
export interface Puller {
  /** Runs until {@link Puller.rest}. */
  start(): void;
  /** Waits for the pull that runs, and starts no other one. */
  rest(): Promise<void>;
  /** Waits for this many more pulls. */
  pulls(count: number): Promise<void>;
  readonly done: number;
  /** One text for each failed pull. */
  readonly failures: readonly string[];
}

export interface PullerDeps {
  readonly cluster: Cluster;
  readonly open: Upstream;
  readonly closed: Upstream;
}

/** User that may read all of {@link CLOSED}, for a cache that serves everyone. */
export const ROBOT = 'robot';
const LOGIN = 'load-login';
const LAYER_BYTES = 1 << 14;
const FIRST_SEED = 500;
const PULL_LIMIT_MS = 60_000;

/** Creates the pull Secret and the {@link Puller}. */
export async function createPuller({ cluster, open, closed }: PullerDeps): Promise<Puller> {
  await cluster.kubectl.apply(pullSecretOf(LOGIN, CLOSED, ALICE));
  const failures: string[] = [];
  let done = 0;
  let running: { ended: boolean; work: Promise<void> } | undefined;

  async function pull(): Promise<void> {
    const turn = Math.floor(done / 2);
    const isPrivate = turn % 2 === 1;
    const [upstream, name] = isPrivate ? [closed, CLOSED] : [open, OPEN];
    const image = `${name}/load/app:v${turn}`;
    if (done % 2 === 0) {
      upstream.push('load/app', distinctImage(FIRST_SEED + turn, LAYER_BYTES), `v${turn}`);
      if (isPrivate) upstream.setAccess('load/app', { readers: [ALICE.username, ROBOT] });
    } else await cluster.node.removeImage(image).catch(() => undefined); // A new node does not have it.
    const pod = { name: `load-${done}`, image, ...(isPrivate && { pullSecret: LOGIN }) };
    const { exitCode, failedPulls } = await runPod(cluster.kubectl, pod);
    if (exitCode !== ALL_BYTES_FOUND || failedPulls > 0)
      failures.push(`${image}: exit code ${exitCode}, ${failedPulls} failed pulls`);
  }
  async function work(self: { readonly ended: boolean }): Promise<void> {
    while (!self.ended) {
      await pull().catch((error: unknown) => void failures.push(String(error)));
      done += 1;
    }
  }
  return {
    start() {
      const self = { ended: false, work: Promise.resolve() };
      self.work = work(self);
      running = self;
    },
    async rest() {
      const self = running;
      running = undefined;
      if (self !== undefined) self.ended = true;
      await self?.work;
    },
    async pulls(count) {
      const enough = done + count;
      const isEnough = (): boolean => running === undefined || done >= enough;
      await waitFor(isEnough, { limitMs: count * PULL_LIMIT_MS, everyMs: 100, what: `${count} pulls` });
    },
    get done() {
      return done;
    },
    failures,
  };
}
