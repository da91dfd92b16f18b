import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretName } from '../secrets-manager/checksums.ts';
import { webhookNames } from './webhook-names.ts';

test('the names are those that the Go programs use', () => {
  assert.deepEqual(webhookNames('registry-cache-admission', 'garden'), {
    component: 'registry-cache-admission',
    configuration: 'gardener-extension-registry-cache-admission',
    identity: 'gardener-extension-registry-cache-admission-webhook',
    authority: 'ca-registry-cache-admission-webhook',
    authorityChecksum: '13124548622732719454',
    server: 'registry-cache-admission-webhook-server',
  });
  const { authority, authorityChecksum } = webhookNames('registry-cache', undefined);
  assert.equal(secretName(authority, [authorityChecksum], ''), 'ca-registry-cache-webhook-a1d160fd');
});

test('a namespace of gardener-operator in the environment adds the runtime to all names', () => {
  const names = webhookNames('registry-cache', 'runtime-extension-registry-cache');
  assert.equal(names.configuration, 'gardener-extension-registry-cache-runtime');
  assert.equal(names.identity, 'gardener-extension-registry-cache-runtime-webhook');
  assert.equal(names.server, 'registry-cache-runtime-webhook-server');
  assert.equal(
    secretName(names.authority, [names.authorityChecksum], ''),
    'ca-registry-cache-runtime-webhook-fbba6a86',
  );
  assert.equal(webhookNames('registry-cache', 'my-runtime-extension-x').component, 'registry-cache');
});
