import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryKube, type MemoryClient } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { find } from '../../kube/objects/find.ts';
import { FINALIZER } from '../cluster/marks.ts';
import { MIRROR_CONFIGS, REGISTRY_CONFIGS, type RegistryConfigObject } from '../cluster/resources.ts';
import { releaseObjects } from './release-objects.ts';

const { signal } = new AbortController();
const OTHER = 'example.com/other';

function config(kind: string, namespace: string, finalizers: readonly string[]): RegistryConfigObject {
  const { group, version } = REGISTRY_CONFIGS;
  const metadata = { namespace, name: 'hub', finalizers };
  return { apiVersion: `${group}/${version}`, kind, metadata, status: { observedGeneration: 1 } };
}

async function setting() {
  const user = createMemoryKube(new ManualClock()).client();
  await user.create(REGISTRY_CONFIGS, config('RegistryConfig', 'a', [OTHER, FINALIZER]), { signal });
  await user.create(REGISTRY_CONFIGS, config('RegistryConfig', 'b', [FINALIZER]), { signal });
  await user.create(MIRROR_CONFIGS, config('MirrorConfig', 'c', [FINALIZER]), { signal });
  const read = async (resource: typeof REGISTRY_CONFIGS | typeof MIRROR_CONFIGS, namespace: string) => {
    const found = await find(user, resource as typeof REGISTRY_CONFIGS, { namespace, name: 'hub' }, signal);
    return [found?.metadata.finalizers, found?.status];
  };
  return { user, read };
}

/** Answers patches of the namespace with an error. */
function failing(client: MemoryClient, namespace: string, error: Error): MemoryClient {
  return {
    ...client,
    patch: (resource, key, ...rest) =>
      key.namespace === namespace ? Promise.reject(error) : client.patch(resource, key, ...rest),
  };
}

describe('the objects of users', () => {
  test('of both kinds and all namespaces lose status and finalizer, and keep those of others', async () => {
    const { user, read } = await setting();
    const { released, refused } = await releaseObjects(user, signal);
    assert.deepEqual([released, refused], [3, 0]);
    assert.deepEqual(await read(REGISTRY_CONFIGS, 'a'), [[OTHER], {}]);
    assert.deepEqual(await read(REGISTRY_CONFIGS, 'b'), [[], {}]);
    assert.deepEqual(await read(MIRROR_CONFIGS, 'c'), [[], {}]);
  });

  test('that are being deleted are gone', async () => {
    const { user } = await setting();
    await user.delete(REGISTRY_CONFIGS, { namespace: 'b', name: 'hub' }, { signal });
    await releaseObjects(user, signal);
    assert.equal(await find(user, REGISTRY_CONFIGS, { namespace: 'b', name: 'hub' }, signal), undefined);
  });

  test('that cannot be changed are counted, and the others are released', async () => {
    const { user, read } = await setting();
    const denial = new KubeError('denied', { httpStatus: 403, reason: 'Forbidden' });
    const result = await releaseObjects(failing(user, 'a', denial), signal);
    assert.deepEqual(result, { released: 2, refused: 1, firstRefusal: denial });
    assert.deepEqual((await read(REGISTRY_CONFIGS, 'a'))[0], [OTHER, FINALIZER]);
    assert.deepEqual((await read(REGISTRY_CONFIGS, 'b'))[0], []);
  });

  test('are left when the API server is away', async () => {
    const { user } = await setting();
    const away = new KubeError('away', { httpStatus: undefined, reason: 'Unreachable' });
    await assert.rejects(releaseObjects(failing(user, 'a', away), signal), away);
  });

  test('are released also if the list of finalizers changes meanwhile', async () => {
    const { user, read } = await setting();
    let hasChanged = false;
    const racing: MemoryClient = {
      ...user,
      async patch(resource, key, operations, options) {
        if (key.namespace === 'a' && options.subresource === undefined && !hasChanged) {
          hasChanged = true;
          const fewer = { metadata: { finalizers: [FINALIZER] } };
          await user.mergePatch(REGISTRY_CONFIGS, key, fewer, { signal });
        }
        return user.patch(resource, key, operations, options);
      },
    };
    const { refused } = await releaseObjects(racing, signal);
    assert.equal(refused, 0);
    assert.deepEqual((await read(REGISTRY_CONFIGS, 'a'))[0], []);
  });
});
