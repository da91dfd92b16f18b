import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forever } from '../../../test/kube/client.ts';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isInvalid } from '../../kube/kube-error.ts';
import { OPERATION } from './extension-facts.ts';
import { createExtensionWriter } from './extension-writer.ts';
import { EXTENSIONS, type Extension } from './resources.ts';

const KEY = { namespace: 'shoot--p--s', name: 'registry-cache' };
const FINALIZER = 'extensions.gardener.cloud/registry-cache';

/** An Extension in a server, a writer of it, and the client of another program. */
async function setUp(metadata: Partial<Extension['metadata']> = {}, status?: Extension['status']) {
  const kube = createMemoryKube(new ManualClock());
  const other = kube.client({ manager: 'gardenlet' });
  const { signal } = forever();
  const object = {
    apiVersion: 'extensions.gardener.cloud/v1alpha1',
    kind: 'Extension',
    metadata: { ...KEY, ...metadata },
  };
  await other.create(EXTENSIONS, object, { signal });
  if (status !== undefined)
    await other.mergePatch(EXTENSIONS, KEY, { status }, { signal, subresource: 'status' });
  const read = (): Promise<Extension> => other.get(EXTENSIONS, KEY, { signal });
  const writer = createExtensionWriter(kube.client(), await read(), { finalizer: FINALIZER, signal });
  return { kube, other, signal, read, writer };
}

describe('the request of gardenlet', () => {
  test('is taken off, and other annotations stay', async () => {
    const { writer, read } = await setUp({ annotations: { [OPERATION]: 'reconcile', a: 'b' } });
    await writer.removeOperation('reconcile');
    assert.deepEqual((await read()).metadata.annotations, { a: 'b' });
    assert.deepEqual(writer.current.metadata.annotations, { a: 'b' });
  });

  test('is left alone when it is another by now', async () => {
    const { writer, other, signal, read } = await setUp({ annotations: { [OPERATION]: 'reconcile' } });
    const annotations = { [OPERATION]: 'migrate' };
    await other.mergePatch(EXTENSIONS, KEY, { metadata: { annotations } }, { signal });
    await assert.rejects(writer.removeOperation('reconcile'), isInvalid);
    assert.deepEqual((await read()).metadata.annotations, annotations);
  });

  test('is left alone on a new object of the same name', async () => {
    const annotations = { [OPERATION]: 'reconcile' };
    const { writer, other, signal, read } = await setUp({ annotations });
    await other.delete(EXTENSIONS, KEY, { signal });
    const { apiVersion, kind } = writer.current;
    await other.create(EXTENSIONS, { apiVersion, kind, metadata: { ...KEY, annotations } }, { signal });
    await assert.rejects(writer.removeOperation('reconcile'), isInvalid);
    assert.deepEqual((await read()).metadata.annotations, annotations);
  });

  test('is taken off together with all finalizers when the object is handed over', async () => {
    const { writer, kube, read } = await setUp({
      annotations: { [OPERATION]: 'migrate' },
      finalizers: [FINALIZER, 'example.com/other'],
    });
    await writer.handOver('migrate');
    const { annotations = {}, finalizers = [] } = (await read()).metadata;
    assert.deepEqual([annotations, finalizers], [{}, []]);
    assert.equal(kube.count('patch'), 1);
  });
});

test('nothing is sent to hand over an object without request and finalizers', async () => {
  const { writer, kube } = await setUp();
  await writer.handOver(undefined);
  assert.equal(kube.count('patch'), 0);
});

test('an object that is gone can be handed over and loses its finalizer', async () => {
  const { writer, other, signal } = await setUp({ annotations: { [OPERATION]: 'migrate' } });
  await other.delete(EXTENSIONS, KEY, { signal });
  await writer.handOver('migrate');
  await writer.removeFinalizer();
});

test('a finalizer of another program stays', async () => {
  const { writer, read } = await setUp({ finalizers: ['example.com/other'] });
  await writer.addFinalizer();
  assert.deepEqual((await read()).metadata.finalizers, ['example.com/other', FINALIZER]);
  await writer.removeFinalizer();
  assert.deepEqual((await read()).metadata.finalizers, ['example.com/other']);
});

describe('the status', () => {
  test('keeps what others wrote into it', async () => {
    const { writer, other, signal, read } = await setUp();
    await other.mergePatch(EXTENSIONS, KEY, { status: { state: 'x' } }, { signal, subresource: 'status' });
    await writer.writeStatus({ status: { observedGeneration: 1 } });
    assert.deepEqual((await read()).status, { state: 'x', observedGeneration: 1 });
  });

  test('loses the fields that a new provider status lacks, and no other', async () => {
    const providerStatus = { caSecretName: 'ca', caches: [{ upstream: 'a' }] };
    const { writer, read } = await setUp({}, { observedGeneration: 1, providerStatus });
    await writer.writeProviderStatus({ caches: [] });
    assert.deepEqual((await read()).status, { observedGeneration: 1, providerStatus: { caches: [] } });
    assert.deepEqual(writer.current.status?.providerStatus, { caches: [] });
  });

  test('is not written for a provider status that is equal', async () => {
    const { writer, kube } = await setUp({}, { providerStatus: { kind: 'RegistryStatus', caches: [] } });
    const before = kube.count('patch');
    await writer.writeProviderStatus({ caches: [], kind: 'RegistryStatus' });
    assert.equal(kube.count('patch'), before);
  });
});
