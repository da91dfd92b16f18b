import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { lastingImage } from '../parts/runnable-image.ts';
import { waitFor } from '../kit/index.ts';

import { NAMESPACE } from './release.ts';
import { OPEN, type DeclareScenario } from './setting.ts';

const CONFIG = 'registries';
const REPOSITORY = 'team/web';
const IMAGE = `${OPEN}/${REPOSITORY}:v1`;

/** From nothing to a Deployment that the cache has served, and served again without its registry. */
export const pull: DeclareScenario = (the) => {
  describe('a Deployment whose image is cached', () => {
    const image = lastingImage(1);
    // The first layer is on the node already: the image that holds its pods together begins with it.
    const fetched = [image.blobs[0]!, ...image.layers.slice(1)];
    const bytes = fetched.reduce((sum, { size }) => sum + size, image.size);

    before(() => the().open.push(REPOSITORY, image, 'v1'));
    after(() => the().configs.remove(CONFIG));

    const scale = async (replicas: number): Promise<void> => {
      const { kubectl } = the().cluster;
      await kubectl.apply(deployment(replicas));
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
      const pods = async () => {
        const { items } = await kubectl.json<{ items: readonly object[] }>('pods', '--selector=app=web');
        return items.length === replicas;
      };
      await waitFor(pods, { limitMs: 60_000, everyMs: 300, what: `${replicas} pods` });
    };

    test('an operator and a node agent run once Helm has installed them', async () => {
      const { release } = the();
      await release.install();
      await release.pod('operator');
      await release.pod('node-agent');
    });

    test('a RegistryConfig becomes a cache that serves, and the node is pointed at it', async () => {
      const { configs, cluster } = the();
      await configs.apply(CONFIG, { upstream: OPEN });
      const { summary, caches } = await configs.until(CONFIG, 'Serving', 'Settled', 'Healthy', 'NoConflict');
      assert.deepEqual([summary?.caches, summary?.nodes], ['1/1', '1/1']);
      assert.equal(caches?.[0]?.state, 'Serving');
      assert.ok(existsSync(join(cluster.hosts, OPEN, 'hosts.toml')));
    });

    test('helm test finds all of it, and leaves nothing behind', async () => {
      const { release, cluster } = the();
      const printed = await release.test();
      assert.match(printed, /^Phase: +Succeeded$/m);
      for (const line of [
        'ok   operator: 1 of 1 available',
        'ok   node agents: 1 of 1 ready',
        `ok   cache of ${OPEN}: status 200 from https://`,
      ])
        assert.ok(printed.includes(line), printed);
      const kinds = 'pods,serviceaccounts,roles,rolebindings';
      const left = await cluster.kubectl('get', kinds, `--namespace=${NAMESPACE}`, '--output=name');
      assert.doesNotMatch(left, /larder-test/);
    });

    test('its image comes through the cache, which asks the registry for each blob once', async () => {
      const { open, release } = the();
      open.reset();
      await scale(1);
      const blobs = { kind: 'blob', method: 'GET', status: 200 } as const;
      assert.equal(open.count(blobs), fetched.length);
      assert.equal(open.bodyBytes({ kind: ['blob', 'manifest'], method: 'GET', status: 200 }), bytes);
      const metrics = await release.metricsOf(OPEN);
      assert.equal(metrics.sum('registry_proxy_misses_total', { type: 'blob' }), fetched.length);
    });

    test('it is pulled again without a request to the registry when the node has lost it', async () => {
      const { open, release, cluster } = the();
      await scale(0);
      await cluster.node.removeImage(IMAGE);
      open.reset();
      await scale(1);
      assert.equal(open.count(), 0);
      const metrics = await release.metricsOf(OPEN);
      assert.equal(metrics.sum('registry_proxy_hits_total', { type: 'blob' }), fetched.length);
      await scale(0);
    });

    test('kubectl shows that the cache works', async () => {
      const { cluster } = the();
      let shown = '';
      const line = /^registries +True +Serving +False +1\/1 +1\/1 +50% +[1-9]\S* +\S+$/m;
      const isShown = async () => line.test((shown = await cluster.kubectl('get', 'registryconfigs')));
      await waitFor(isShown, { limitMs: 120_000, everyMs: 500 }).catch(() => assert.match(shown, line));
    });
  });
};

function deployment(replicas: number): object {
  const labels = { app: 'web' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: IMAGE }] },
      },
    },
  };
}
