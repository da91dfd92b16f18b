import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryKube, type MemoryKube } from '../../../test/kube/memory-kube.ts';
import { emptyWatched } from '../../../test/operator/empty-watched.ts';
import { ManualClock } from '../../kit/clock.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { createNodeDocumentView } from '../cluster/node-document-view.ts';
import { ASKED_BY, MANAGED_BY, UPSTREAM } from '../cluster/marks.ts';
import { SERVICE_MONITORS, STATEFUL_SETS } from '../cluster/resources.ts';
import { createDrainTracker } from '../nodes/drain-tracker.ts';
import { createCacheRemover } from './remove-cache.ts';

const NAMESPACE = 'larder-system';
const KEY = 'registry-docker-io';
const NEVER = new AbortController().signal;
const CLIENT = 'the operator';

function objectOf({ group, version, kind }: Resource, asker: string | undefined): KubeObject {
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: {
      namespace: NAMESPACE,
      name: KEY,
      ...(asker !== undefined && {
        labels: MANAGED_BY,
        annotations: { [ASKED_BY]: asker, [UPSTREAM]: 'docker.io' },
      }),
    },
  };
}

/** A cluster with the StatefulSet of a cache that `hub` asked for, and a ServiceMonitor of whoever asked for it; undefined is a stranger. */
async function setting(monitorOf: string | undefined, network?: Parameters<MemoryKube['client']>[0]) {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const somebody = kube.client();
  const set = await somebody.create(STATEFUL_SETS, objectOf(STATEFUL_SETS, 'hub'), { signal: NEVER });
  await somebody.create(SERVICE_MONITORS, objectOf(SERVICE_MONITORS, monitorOf), { signal: NEVER });
  const { watched, statefulSets } = emptyWatched();
  statefulSets.replace({ items: [set], resourceVersion: '1' });
  const document = createNodeDocumentView(watched, { namespace: NAMESPACE });
  const remove = createCacheRemover(
    {
      client: kube.client({ manager: CLIENT, ...network }),
      watched,
      document,
      drain: createDrainTracker({ clock, watched, document }),
      serviceMonitors: { isServed: () => true },
    },
    { namespace: NAMESPACE },
  );
  return {
    remove: () => remove(KEY, NEVER),
    has: async (resource: Resource) =>
      (await find(somebody, resource, { namespace: NAMESPACE, name: KEY }, NEVER)) !== undefined,
    deleted: () =>
      kube.requests.flatMap(({ verb, plural, manager }) =>
        verb === 'delete' && manager === CLIENT ? [plural] : [],
      ),
  };
}

describe('the removal of a cache', () => {
  test('takes its ServiceMonitor first, since nothing else tells of it', async () => {
    const cluster = await setting('hub');
    assert.equal((await cluster.remove())?.why, 'its former objects are being deleted');
    assert.deepEqual(cluster.deleted(), ['servicemonitors', 'statefulsets']);
    assert.equal(await cluster.has(SERVICE_MONITORS), false);
  });

  test('leaves the rest while the ServiceMonitor cannot be removed, so that it is tried again', async () => {
    const network = ({ plural, verb }: { readonly plural: string; readonly verb: string }) =>
      plural === 'servicemonitors' && verb === 'delete'
        ? Promise.reject(new Error('cut'))
        : Promise.resolve();
    const cluster = await setting('hub', { network });
    await assert.rejects(cluster.remove(), /cut/);
    assert.equal(await cluster.has(STATEFUL_SETS), true);
  });

  for (const [title, asker] of [
    ['a stranger', undefined],
    ['another object', 'another'],
  ] as const) {
    test(`does not touch a ServiceMonitor of its name that ${title} has`, async () => {
      const cluster = await setting(asker);
      await cluster.remove();
      assert.deepEqual(cluster.deleted(), ['statefulsets']);
      assert.equal(await cluster.has(SERVICE_MONITORS), true);
    });
  }
});
