import type { Place } from '../kit/place.ts';
import { waitFor } from '../kit/wait.ts';
import { besidePart, needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';
import type { ContainerdOptions } from '../parts/start-containerd.ts';
import { signalAll } from './signal-all.ts';

/** Actions on the node itself, without Kubernetes. */
export interface NodeTools {
  /**
   * Removes an image with everything that no other image needs, as if the node had never pulled it. Also removes its containers, running
   * or not, because they keep its layers. Needs the part crictl.
   */
  removeImage(reference: string): Promise<void>;
  /** Pulls without a credential as the kubelet does, which cannot pull without an API server. Needs the part crictl. */
  pull(reference: string): Promise<void>;
  /** Runs `work` while the kubelet stands still, so that it starts no container again. */
  withoutKubelet(work: () => Promise<void>): Promise<void>;
  /** Kills all processes in pods, and on the node, whose command line has `text` in it: at once, by SIGKILL. */
  killAll(text: string): Promise<void>;
  /** Sends a signal to the program of a container. `containerId` is that of `status.containerStatuses` of the pod. */
  signal(containerId: string, signal: NodeJS.Signals): Promise<void>;
}

export interface NodeToolsOptions {
  readonly containerd: ContainerdOptions['part'];
  readonly socket: string;
  readonly place: Place;
}

/** containerd's namespace for the containers of Kubernetes. */
const NAMESPACE = 'k8s.io';

/** Begin of the kubelet's flags. */
const KUBELET = 'kubelet --config=';

/** Creates the tools for the node of this containerd. */
export function createNodeTools({ containerd, socket, place }: NodeToolsOptions): NodeTools {
  const endpoints = ['--image-endpoint', `unix://${socket}`, '--runtime-endpoint', `unix://${socket}`];
  // crictl's default is 2 s for its first request.
  endpoints.push('--timeout', '60s');
  const crictl = async (...args: readonly string[]): Promise<string> =>
    (await run(needPart('crictl'), [...endpoints, ...args], { place })).stdout;
  const sendAll = async (signal: NodeJS.Signals, text: string): Promise<void> => {
    await run('sh', ['-c', signalAll(signal, text)], { place });
  };
  return {
    async removeImage(reference) {
      const removeContainers = async (): Promise<true> => {
        const containers = await crictl('ps', '--all', '--quiet', '--image', reference);
        for (const id of containers.split('\n').filter((line) => line !== ''))
          await crictl('rm', '--force', id);
        return true;
      };
      // The kubelet removes containers of deleted pods, so a listed container may be gone before `rm`.
      await waitFor(removeContainers, { everyMs: 100, what: `no container of ${reference}` });
      await crictl('rmi', reference);
    },
    async pull(reference) {
      await crictl('pull', reference);
    },
    async withoutKubelet(work) {
      await sendAll('SIGSTOP', KUBELET);
      try {
        await work();
      } finally {
        await sendAll('SIGCONT', KUBELET);
      }
    },
    killAll: (text) => sendAll('SIGKILL', text),
    async signal(containerId, signal) {
      const connection = ['--address', socket, '--namespace', NAMESPACE];
      const id = containerId.replace(/^containerd:\/\//, '');
      await run(besidePart(containerd, 'ctr'), [...connection, 'tasks', 'kill', '--signal', signal, id], {
        place,
      });
    },
  };
}
