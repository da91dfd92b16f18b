import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryKube, type MemoryKube } from '../../../test/kube/memory-kube.ts';
import { emptyWatched } from '../../../test/operator/empty-watched.ts';
import { ManualClock } from '../../kit/clock.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { createNodeDocumentView } from '../cluster/node-document-view.ts';
import { OWNER_ANNOTATION, MANAGED_BY, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import { SERVICE_MONITORS, STATEFUL_SETS } from '../cluster/resources.ts';
import { createDrainTracker } from '../nodes/drain-tracker.ts';
import { createCacheRemover } from './remove-cache.ts';

const NAMESPACE = 'larder-system';
const KEY = 'registry-docker-io';
const NEVER = new AbortController().signal;
const CLIENT = 'the operator';

function objectOf({ group, version, kind }: Resource, owner: string | undefined): KubeObject {
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: {
      namespace: NAMESPACE,
      name: KEY,
      ...(owner !== undefined && {
        labels: MANAGED_BY,
        annotations: { [OWNER_ANNOTATION]: owner, [UPSTREAM_ANNOTATION]: 'docker.io' },
      }),
    },
  };
}

/** A cluster with the StatefulSet of a cache of `hub`, and a ServiceMonitor of `monitorOwner`, or without an owner. */
async function setting(monitorOwner: string | undefined, network?: Parameters<MemoryKube['client']>[0]) {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const user = kube.client();
  const set = await user.create(STATEFUL_SETS, objectOf(STATEFUL_SETS, 'hub'), { signal: NEVER });
  await user.create(SERVICE_MONITORS, objectOf(SERVICE_MONITORS, monitorOwner), { signal: NEVER });
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
      (await find(user, resource, { namespace: NAMESPACE, name: KEY }, NEVER)) !== undefined,
    deleted: () =>
      kube.requests.flatMap(({ verb, plural, manager }) =>
        verb === 'delete' && manager === CLIENT ? [plural] : [],
      ),
  };
}

describe('the removal of a cache', () => {
  test('deletes its ServiceMonitor first, since it is not watched', async () => {
    const cluster = await setting('hub');
    assert.equal((await cluster.remove())?.why, 'its former objects are being deleted');
    assert.deepEqual(cluster.deleted(), ['servicemonitors', 'statefulsets']);
    assert.equal(await cluster.has(SERVICE_MONITORS), false);
  });

  test('keeps the rest while the ServiceMonitor cannot be deleted, so that the removal is tried again', async () => {
    const network = ({ plural, verb }: { readonly plural: string; readonly verb: string }) =>
      plural === 'servicemonitors' && verb === 'delete'
        ? Promise.reject(new Error('cut'))
        : Promise.resolve();
    const cluster = await setting('hub', { network });
    await assert.rejects(cluster.remove(), /cut/);
    assert.equal(await cluster.has(STATEFUL_SETS), true);
  });

  for (const [title, owner] of [
    ['no owner', undefined],
    ['another owner', 'another'],
  ] as const) {
    test(`does not touch a ServiceMonitor of its name with ${title}`, async () => {
      const cluster = await setting(owner);
      await cluster.remove();
      assert.deepEqual(cluster.deleted(), ['statefulsets']);
      assert.equal(await cluster.has(SERVICE_MONITORS), true);
    });
  }
});
