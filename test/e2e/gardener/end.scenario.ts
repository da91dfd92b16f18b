import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusal } from '../../cluster/api-requests.ts';
import { SHOOT_NAMESPACE, type DeclareScenario } from './landscape.ts';

const MANAGED_RESOURCES = `/apis/resources.gardener.cloud/v1alpha1/namespaces/${SHOOT_NAMESPACE}/managedresources`;

/** gardenlet gives up a try at an Extension after 3 min. */
const END_LIMIT_MS = 180_000;

/** A shoot leaves its seed. */
export const end: DeclareScenario = (the) => {
  const managedResources = async (): Promise<string[]> => {
    const answer = await the().seed.seed.requests('GET', MANAGED_RESOURCES);
    assert.equal(refusal(answer), undefined);
    return (answer as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);
  };

  describe('a shoot that leaves its seed', () => {
    test('moves to another one without a restart of a pod and without a write to its objects', async () => {
      const { project, flow, puller, views, audits, configs } = the();
      await puller.rest();
      const [pods, uids, began] = [await views.pods(), await views.uids(), audits.shoot.count()];
      const wanted = await project.write({});
      await flow.migrate(wanted);
      await flow.restore(wanted);
      await configs.until('registries', 'Serving', 'Settled');
      assert.deepEqual(await views.uids(), uids);
      assert.deepEqual(await views.pods(), pods);
      const made = audits.shoot
        .since(began)
        .filter(({ verb, objectRef }) => verb === 'create' && objectRef?.namespace === 'larder-system')
        .filter(({ objectRef }) => ['pods', 'statefulsets', 'services'].includes(objectRef?.resource ?? ''));
      assert.deepEqual(made, []);
      puller.start();
      await puller.pulls(2);
      assert.deepEqual(puller.failures, []);
    });

    test('is deleted within 3 minutes after its nodes are gone, and leaves no claim', async (context) => {
      const { project, flow, puller, audits, views } = the();
      await puller.rest();
      assert.deepEqual(puller.failures, []);
      const wanted = await project.write({});
      const began = audits.shoot.count();
      const begin = performance.now();
      await flow.delete(wanted);
      context.diagnostic(`deleted in ${Math.round((performance.now() - begin) / 1000)} s`);
      assert.ok(performance.now() - begin < END_LIMIT_MS);
      assert.equal(await views.extension(), undefined);
      assert.deepEqual(await managedResources(), []);
      const claims = audits.shoot
        .since(began)
        .filter(
          ({ verb, objectRef }) => verb === 'delete' && objectRef?.resource === 'persistentvolumeclaims',
        );
      assert.ok(claims.length > 0);
    });

    test('is deleted by force without a request to its API server', async () => {
      const { project, flow, machines, audits, cluster, views } = the();
      await project.reconcile({});
      await machines.stopNodes();
      await cluster.api.kill();
      const began = audits.shoot.count();
      const wanted = await project.write({});
      await flow.forceDelete(wanted);
      assert.equal(audits.shoot.count(), began);
      assert.deepEqual(await managedResources(), []);
      assert.equal(await views.extension(), undefined);
    });
  });
};
