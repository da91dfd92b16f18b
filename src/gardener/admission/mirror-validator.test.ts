import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAdmission, registryConfigWith, secretWith } from '../../../test/gardener/ask-admission.ts';

const mirrors = [
  { upstream: 'quay.io', hosts: [{ host: 'https://m.io', caBundleSecretReferenceName: 'ca' }] },
];
const resources = { ca: 'ca-v1' };

test('a CA bundle is read at every update, changed or not, as the extension does', async () => {
  const shoot = { mirrors, resources };
  assert.deepEqual(await askAdmission('mirror', shoot, { old: shoot }), {
    answer:
      'failed to get secret garden-p/ca-v1 for caBundleSecretReferenceName ca: secrets "ca-v1" not found',
    reads: ['garden-p/ca-v1'],
  });
});

test('the first certificate of a bundle counts', async () => {
  const secrets = { 'ca-v1': secretWith({ 'bundle.crt': 'hush' }) };
  const { answer } = await askAdmission('mirror', { mirrors, resources }, { secrets });
  assert.match(answer, /^spec\.extensions\[0\].*: the CA bundle is not a valid PEM-encoded certificate$/);
});

test('what the extension accepts is accepted, also where Larder wants more of an object of its own', async () => {
  const odd = [{ upstream: '1.2.3.999', hosts: [{ host: 'https://1.2.3.999/v2/a' }] }];
  assert.equal((await askAdmission('mirror', { mirrors: odd })).answer, 'allowed');
});

test("Larder's own fields of the caches beside are known, and no caches at all cannot overlap", async () => {
  const plain = [{ upstream: 'quay.io', hosts: [{ host: 'https://m.io' }] }];
  const replicated = registryConfigWith({ registryConfigReplication: { enabled: true } });
  const { answer } = await askAdmission('mirror', { mirrors: plain, registryConfig: replicated });
  assert.equal(answer, 'allowed');
  const cached = [{ upstream: 'quay.io', freshness: { tagTTL: '5s' } }];
  assert.equal(
    (await askAdmission('mirror', { mirrors: plain, caches: cached })).answer,
    `spec.extensions[1].providerConfig.mirrors[0].upstream: Invalid value: "quay.io": upstream host 'quay.io' is also configured as a registry cache upstream`,
  );
});
