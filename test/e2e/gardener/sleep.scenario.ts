import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runPod } from '../../cluster/pods.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../../parts/runnable-image.ts';
import { waitFor } from '../../kit/index.ts';
import { OPEN } from '../setting.ts';
import type { DeclareScenario } from './landscape.ts';
import { LARDER } from './views.ts';

/** Hibernation, and what changes meanwhile. */
export const sleep: DeclareScenario = (the) => {
  describe('a shoot that hibernates', () => {
    const image = distinctImage(31);

    test('wakes up with the same objects and warm caches', async () => {
      const { project, puller, views, cluster, configs, open, restartExtension } = the();
      open.push('team/warm', image, 'v1');
      const pod = { name: 'warm', image: `${OPEN}/team/warm:v1` };
      assert.equal((await runPod(cluster.kubectl, pod)).exitCode, ALL_BYTES_FOUND);
      await puller.rest();
      const before = await views.uids();
      await project.reconcile({ hibernated: true });
      // It is written at the start, and once a minute.
      await restartExtension();
      await views.condition('ShootHibernated');

      await project.reconcile({});
      await views.running();
      await configs.until('registries', 'Serving', 'Settled');
      assert.deepEqual(await views.uids(), before);
      open.reset();
      const { exitCode, failedPulls } = await runPod(cluster.kubectl, pod);
      assert.deepEqual({ exitCode, failedPulls }, { exitCode: ALL_BYTES_FOUND, failedPulls: 0 });
      assert.equal(open.count({ kind: 'blob', method: 'GET' }), 0);
      puller.start();
      await puller.pulls(2);
      assert.deepEqual(puller.failures, []);
    });

    test('has all of Larder taken down when it wakes up, if it was turned off meanwhile, and its objects stay', async () => {
      const { project, puller, views, cluster, configs } = the();
      await puller.rest();
      await project.reconcile({ hibernated: true });
      await project.reconcile({ hibernated: true, extension: false });
      // gardenlet does not wait, and the extension can do nothing yet.
      const state = await views.extension();
      assert.ok(state?.metadata.deletionTimestamp);
      await project.reconcile({ extension: false });
      assert.equal(await views.extension(), undefined);
      const gone = () => cluster.kubectl('get', 'namespace', LARDER, '--ignore-not-found');
      await waitFor(async () => (await gone()) === '', {
        limitMs: 60_000,
        everyMs: 500,
        what: 'the end of the namespace',
      });
      const fields = '{range .items[*]}{.metadata.name}{.metadata.finalizers}{.status}{"\\n"}{end}';
      const left = await cluster.kubectl('get', 'registryconfigs', '-A', `--output=jsonpath=${fields}`);
      // An emptied status shows as {}.
      const names = left.replaceAll('{}', '').trim().split('\n');
      assert.deepEqual(names.toSorted(), ['private', 'registries']);

      await project.reconcile({});
      await views.running();
      await configs.until('registries', 'Serving', 'Settled');
      puller.start();
      await puller.pulls(2);
      assert.deepEqual(puller.failures, []);
    });
  });
};
