import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import { createClusterReader } from './read-cluster.ts';

const NAMESPACE = 'shoot--p--s';

/** A client that has these objects, by plural name, or fails with the error there. */
function clientWith(objects: Readonly<Record<string, object>>) {
  const reads: string[] = [];
  const client: Pick<KubeClient, 'get'> = {
    async get<T extends KubeObject>({ plural }: { plural: string }, { name }: { name: string }) {
      reads.push(`${plural}/${name}`);
      const found = objects[plural];
      if (found === undefined) throw new KubeError('none', { httpStatus: 404, reason: 'NotFound' });
      if (found instanceof Error) throw found;
      return found as T;
    },
  };
  return { reads, reader: createClusterReader(client, NAMESPACE, new AbortController().signal) };
}

function namespaceWith(labels: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } };
}

test('a namespace is one of a shoot by its label alone', async () => {
  const answers: boolean[] = [];
  for (const labels of [{ 'gardener.cloud/role': 'shoot' }, { 'gardener.cloud/role': 'extension' }, {}])
    answers.push(await clientWith({ namespaces: namespaceWith(labels) }).reader.isShootNamespace());
  assert.deepEqual(answers, [true, false, false]);
});

test('the Cluster is read once, and only its Shoot is kept', async () => {
  const spec = { shoot: { kind: 'Shoot' }, seed: { kind: 'Seed' }, cloudProfile: { kind: 'CloudProfile' } };
  const { reader, reads } = clientWith({
    clusters: { apiVersion: 'v', kind: 'Cluster', metadata: { name: 'c' }, spec },
  });
  assert.deepEqual((await reader.find())?.spec, { shoot: { kind: 'Shoot' } });
  assert.equal(await reader.get(), await reader.find());
  assert.deepEqual(reads, [`clusters/${NAMESPACE}`]);
});

test('a missing Cluster is an error in the words of Go only for one who needs it', async () => {
  const { reader, reads } = clientWith({});
  assert.equal(await reader.find(), undefined);
  const message = `failed to get cluster: Cluster.extensions.gardener.cloud "${NAMESPACE}" not found`;
  await assert.rejects(reader.get(), { message, code: 'KUBE_API' });
  assert.equal(reads.length, 1);
});

test('a Cluster that cannot be read is not a missing one', async () => {
  const forbidden = new KubeError('get: no (403)', {
    httpStatus: 403,
    reason: 'Forbidden',
    serverMessage: 'no',
  });
  const { reader } = clientWith({ clusters: forbidden });
  await assert.rejects(reader.find(), { message: 'failed to get cluster: no', code: 'KUBE_API' });
});
