/** Nodes as the API server sees them: the agents' connection to it is real, containerd is missing. */
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import { createKubeconfigConnection } from '../../src/kube/connection/kubeconfig-connection.ts';
import { createClusterTies } from '../../src/node-agent/cluster-ties.ts';
import type { NodeDocument } from '../../src/fleet/node-document.ts';
import { SYSTEM } from './setting.ts';

/** Starts `count` agents, each of which reports that it has carried out every document. Disposing them stops them. */
export async function simulateNodes(count: number, kubeconfig: string): Promise<AsyncDisposable> {
  const tasks = new TaskGroup(silentLogger);
  const connection = {
    ...(await createKubeconfigConnection(
      { clock: systemClock, logger: silentLogger, signal: tasks.signal },
      { file: kubeconfig, context: undefined, environment: {} },
    )),
    namespace: SYSTEM,
  };
  const ties = Array.from({ length: count }, (_, index) =>
    createClusterTies(
      { connection, clock: systemClock, logger: silentLogger, random: Math.random },
      {
        node: `node-${index + 1}`,
        owner: undefined,
        stateDirectory: undefined,
        userAgent: 'larder/test (node-agent)',
      },
    ),
  );
  for (const { source, reporter } of ties) {
    const carryOut = ({ revision, caches, mirrors }: NodeDocument): void =>
      reporter.report({
        revision,
        containerd: { state: 'Set', message: '' },
        upstreams: [...caches, ...mirrors].map(({ upstream }) => ({ upstream, state: 'Ready', message: '' })),
      });
    tasks.run('source', (signal) => source.watch(signal, carryOut));
    tasks.run('reporter', (signal) => reporter.run(signal));
  }
  return {
    async [Symbol.asyncDispose]() {
      await tasks.close();
      await Promise.all(ties.map((one) => one.close()));
    },
  };
}
