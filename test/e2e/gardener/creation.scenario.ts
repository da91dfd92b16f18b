import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runPod } from '../../cluster/pods.ts';
import { distinctImage, ALL_BYTES_FOUND } from '../../parts/runnable-image.ts';
import { OPEN } from '../setting.ts';
import type { DeclareScenario } from './landscape.ts';

/** From a Shoot in the garden to a node with pods. */
export const creation: DeclareScenario = (the) => {
  describe('a shoot that is created', () => {
    test('gets operator and node agent, which need no node to be applied, and its first node pulls without a cache', async () => {
      const { project, restartExtension, cluster, open, views } = the();
      await restartExtension();
      await project.reconcile({});
      assert.equal((await views.extension())?.status?.lastOperation?.state, 'Succeeded');
      open.push('team/first', distinctImage(1), 'v1');
      const pod = { name: 'first', image: `${OPEN}/team/first:v1` };
      const { exitCode, failedPulls } = await runPod(cluster.kubectl, pod);
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      await views.running();
    });

    test('has pods that pull all the time from here on, without a cache at first', async () => {
      const { puller } = the();
      puller.start();
      await puller.pulls(2);
      assert.deepEqual(puller.failures, []);
    });
  });
};
