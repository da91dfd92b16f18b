import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlan } from '../configs/plan.ts';
import { readConfig, type ConfigObject } from '../configs/read-config.ts';
import { createPublishedDocument } from './published-document.ts';
import { publishedSpecs } from './published-specs.ts';

function planOf(generation: number) {
  const hub: ConfigObject = {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    metadata: { namespace: 'team', name: 'hub', uid: 'u', generation },
    spec: { caches: [{ upstream: 'docker.io' }, { upstream: 'quay.io' }] },
  };
  const mirrors: ConfigObject = {
    apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1',
    kind: 'MirrorConfig',
    metadata: { namespace: 'team', name: 'm', uid: 'v', generation: 1 },
    spec: { mirrors: [{ upstream: 'ghcr.io', hosts: [{ host: 'https://m.example' }] }] },
  };
  return makePlan({
    objects: [hub, mirrors],
    specOf: readConfig,
    existingUpstreams: () => [],
    lastValid: () => [],
    mayAct: () => true,
  });
}

const entry = (upstream: string) => ({ upstream, server: '', endpoint: '', serverName: '' });

test('nodes are told the spec of now of what is in the document, and of nothing that is not', () => {
  const document = {
    revision: 'r',
    caches: [entry('docker.io'), entry('kept.io')],
    mirrors: [{ upstream: 'ghcr.io', server: '', hosts: [] }],
  };
  assert.deepEqual(
    [...publishedSpecs(document, planOf(3))],
    [
      ['docker.io', 'u/3'],
      ['ghcr.io', 'v/1'],
    ],
  );
});

test('a change of a spec that nodes need not know is told of as well, and what is the same is not', () => {
  const book = createPublishedDocument();
  let changes = 0;
  book.onChange(() => (changes += 1));
  const document = { revision: 'r', caches: [entry('docker.io')] };
  for (const generation of [1, 1, 2, 2])
    book.set({ revision: 'r', specs: publishedSpecs(document, planOf(generation)) });
  assert.equal(changes, 2);
  assert.equal(book.get()?.specs.get('docker.io'), 'u/2');
});
