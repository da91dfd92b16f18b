import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runPod } from '../../cluster/pods.ts';
import { waitFor } from '../../kit/index.ts';
import { ALL_BYTES_FOUND, distinctImage } from '../../parts/runnable-image.ts';
import { OPEN } from '../setting.ts';
import { isOf, isWrite } from './audit.ts';
import { SHOOT_NAMESPACE, type DeclareScenario } from './landscape.ts';
import { IMAGES } from './registries.ts';
import { LARDER } from './views.ts';

const MANAGED_RESOURCES = `/apis/resources.gardener.cloud/v1alpha1/namespaces/${SHOOT_NAMESPACE}/managedresources`;
const OPERATOR = 'extension-registry-cache-operator';
const IGNORE = 'resources.gardener.cloud/ignore';

/** A landscape's work on a shoot that runs. */
export const upkeep: DeclareScenario = (the) => {
  describe('a shoot that runs', () => {
    test('gets a label on every Secret, as after a rotation of the key of etcd, without a storm of writes', async () => {
      const { cluster, audits, puller } = the();
      const all = ['label', 'secrets', '--all', '--all-namespaces', '--overwrite'];
      for (const label of [
        'credentials.gardener.cloud/key-name=key-2',
        'credentials.gardener.cloud/key-name-',
      ]) {
        const began = audits.shoot.count();
        await cluster.kubectl(...all, label);
        await puller.pulls(2);
        const writes = audits.shoot
          .since(began)
          .filter((one) => isOf('operator')(one) && isWrite(one))
          // Statuses and numbers show pulls, and are written all the time.
          .filter(({ objectRef: { resource = '', subresource } = {} }) => {
            return subresource !== 'status' && !['leases', 'events'].includes(resource);
          })
          .map(({ objectRef: { resource, name } = {} }) => `${resource}/${name}`)
          .filter((name) => name !== 'configmaps/larder-report');
        assert.deepEqual(writes.toSorted(), [...new Set(writes)].toSorted(), label);
        assert.ok(!writes.some((name) => name.startsWith('pods/')), writes.join());
      }
      assert.deepEqual(puller.failures, []);
    });

    test('is upgraded to another image of Larder, and the fields of its objects stay', async () => {
      const { project, restartExtension, image, views, cluster, puller } = the();
      const spec = () =>
        cluster.kubectl('get', 'registryconfigs', '-A', '--output=jsonpath={.items[*].spec}');
      const before = await spec();
      await restartExtension(next(image));
      // A wrong login of the owner would not turn a condition of the Shoot.
      const { type } = await views.condition('NoneFailing');
      assert.equal(type, 'RegistryConfigs');
      await project.reconcile({});
      await views.running(next(image));
      await puller.pulls(2);
      assert.equal(await spec(), before);
      assert.deepEqual(puller.failures, []);
    });

    test('is left alone where an operator of the landscape has said so', async () => {
      const { seed, project, cluster } = the();
      const { requests } = seed.seed;
      const ignored = async (value: string | undefined): Promise<void> => {
        await waitFor(async () => {
          const before = (await requests('GET', `${MANAGED_RESOURCES}/${OPERATOR}`)) as {
            metadata: { annotations?: Record<string, string> };
          };
          const { [IGNORE]: _, ...others } = before.metadata.annotations ?? {};
          const annotations = value === undefined ? others : { ...others, [IGNORE]: value };
          const answer = await requests('PUT', `${MANAGED_RESOURCES}/${OPERATOR}`, {
            ...before,
            metadata: { ...before.metadata, annotations },
          });
          return 'spec' in answer;
        });
      };
      const operator = ['deployment', 'larder-operator', `--namespace=${LARDER}`];
      await ignored('true');
      await cluster.kubectl('scale', ...operator, '--replicas=0');
      await project.reconcile({});
      const replicas = await cluster.kubectl('get', ...operator, '--output=jsonpath={.spec.replicas}');
      assert.equal(replicas, '0');
      await ignored(undefined);
      await cluster.kubectl('scale', ...operator, '--replicas=1');
    });

    test('starts again after all of Larder has died and its image is lost, from a registry that it caches itself', async () => {
      const { configs, cluster, views, image, images, puller } = the();
      await configs.apply('images', { upstream: IMAGES });
      await configs.until('images', 'Serving', 'Settled');
      await puller.rest();
      images.reset();
      await cluster.node.withoutKubelet(async () => {
        await cluster.node.killAll('/usr/bin/larder');
        await cluster.node.removeImage(next(image));
        assert.ok(existsSync(join(cluster.hosts, IMAGES, 'hosts.toml')));
      });
      const isAsked = () => images.count({ kind: 'manifest', status: 200 }) > 0;
      await waitFor(isAsked, { limitMs: 60_000, everyMs: 100, what: 'a pull of the image' });
      await views.running(next(image));
      await configs.until('images', 'Serving', 'Settled');
      await configs.remove('images');
      puller.start();
      await puller.pulls(2);
      assert.deepEqual(puller.failures, []);
    });

    test('goes on pulling through the caches while its API server is away, and the Extension says that it is', async () => {
      const { machines, puller, cluster, open, project, views, image } = the();
      await views.running(next(image));
      await puller.rest();
      open.push('team/away', distinctImage(21), 'v1');
      const before = await views.pods();
      await machines.stopApiServer();
      open.reset();
      await cluster.node.pull(`${OPEN}/team/away:v1`);
      const agents = new Set(open.requests.map(({ headers }) => headers['user-agent']?.split('/')[0]));
      assert.deepEqual([...agents], ['larder']);
      await machines.startApiServer();
      await project.reconcile({});
      const pod = { name: 'after-away', image: `${OPEN}/team/away:v1` };
      assert.equal((await runPod(cluster.kubectl, pod)).exitCode, ALL_BYTES_FOUND);
      assert.deepEqual(await views.pods(), before);
      puller.start();
    });
  });
};

/** The other name of the image. */
function next(image: string): string {
  return image.replace(/:[^:]+$/, ':next');
}
