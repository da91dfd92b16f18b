import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TempDir } from '../kit/temp.ts';
import type { ContainerdFiles } from '../parts/containerd-files.ts';
import { startNode, type ClusterNode, type NodeOptions } from './start-node.ts';

export interface NodesDeps extends Omit<NodeOptions, 'name' | 'prepare'> {
  readonly own: TempDir;
  /** Receives the files of containerd of each node before it starts. */
  readonly onFiles: (files: ContainerdFiles) => void;
}

/** Settings that may differ between the nodes of a cluster. */
export interface NodeStart {
  /** Default: that of the cluster. */
  readonly containerd?: NodeOptions['containerd'];
  /** Changes the files of containerd before it starts. */
  readonly prepare?: NodeOptions['prepare'];
}

/** The nodes of a cluster, one at a time: all share a network. Disposing ends the one that runs. */
export interface Nodes extends AsyncDisposable {
  /** The node that runs. Throws an `Error` if there is none. */
  current(): ClusterNode;
  /** Starts a node with a name of its own, and waits until it is ready. */
  start(options?: NodeStart): Promise<void>;
  /** Ends the node, if one runs. Its object stays. */
  stop(): Promise<void>;
}

export function createNodes({ own, onFiles, ...deps }: NodesDeps): Nodes {
  let running: ClusterNode | undefined;
  let started = 0;
  const stop = async (): Promise<void> => {
    const node = running;
    running = undefined;
    await node?.[Symbol.asyncDispose]();
  };
  return {
    current() {
      if (running === undefined) throw new Error('no node of the cluster runs');
      return running;
    },
    async start({ containerd = deps.containerd, prepare } = {}) {
      if (running !== undefined) throw new Error(`${running.name} runs, and there is one node at a time`);
      const name = `node${(started += 1)}`;
      const path = join(own.path, name);
      mkdirSync(path);
      running = await startNode({
        ...deps,
        name,
        containerd,
        own: { path, write: (file, content) => own.write(join(name, file), content) },
        async prepare(files) {
          onFiles(files);
          await prepare?.(files);
        },
      });
      await running.ready();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
