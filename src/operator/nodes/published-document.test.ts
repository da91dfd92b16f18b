import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlan } from '../configs/plan.ts';
import { readConfig, type ConfigObject } from '../configs/read-config.ts';
import { createPublishedDocument, publishedSpecs } from './published-document.ts';

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

test('every planned upstream in the document has the current spec of its owner', () => {
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

test('a change handler runs for a new spec that leaves the document as it is, and not without a change', () => {
  const published = createPublishedDocument();
  let changes = 0;
  published.onChange(() => (changes += 1));
  const document = { revision: 'r', caches: [entry('docker.io')] };
  for (const generation of [1, 1, 2, 2])
    published.set({
      revision: 'r',
      specs: publishedSpecs(document, planOf(generation)),
      taken: new Set<string>(),
    });
  assert.equal(changes, 2);
  assert.equal(published.get()?.specs.get('docker.io'), 'u/2');
});
