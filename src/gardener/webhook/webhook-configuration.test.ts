import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VALIDATOR } from '../../../test/gardener/webhook-fleet.ts';
import { webhookConfigurations } from './webhook-configuration.ts';
import { webhookNames } from './webhook-names.ts';
import type { Webhook } from './webhook.ts';

const MUTATOR: Webhook = {
  name: 'registry-cache',
  action: 'mutating',
  path: '/webhooks/registry-cache',
  rule: {
    apiGroups: ['extensions.gardener.cloud'],
    apiVersions: ['v1alpha1'],
    resources: ['operatingsystemconfigs'],
  },
  namespaceSelector: {
    matchExpressions: [{ key: 'extensions.gardener.cloud/registry-cache', operator: 'In', values: ['true'] }],
  },
  handler: () => Promise.resolve({ allowed: true }),
};
const URL_PLACE = { mode: 'url', url: '127.0.0.1:10250', namespace: 'ns', servicePort: 0 };

test('a mutating webhook is registered with every field that the API server would add', () => {
  const [wanted, ...others] = webhookConfigurations(
    [MUTATOR],
    webhookNames('registry-cache', undefined),
    URL_PLACE,
    10250,
  );
  assert.deepEqual(others, []);
  assert.equal(wanted?.resource.plural, 'mutatingwebhookconfigurations');
  assert.equal(wanted.name, 'gardener-extension-registry-cache');
  assert.deepEqual(wanted.webhooks, [
    {
      name: 'registry-cache.registry-cache.extensions.gardener.cloud',
      clientConfig: { url: 'https://127.0.0.1:10250/webhooks/registry-cache' },
      rules: [
        {
          operations: ['CREATE', 'UPDATE'],
          apiGroups: ['extensions.gardener.cloud'],
          apiVersions: ['v1alpha1'],
          resources: ['operatingsystemconfigs'],
          scope: '*',
        },
      ],
      failurePolicy: 'Fail',
      matchPolicy: 'Exact',
      namespaceSelector: {
        matchExpressions: [
          { key: 'extensions.gardener.cloud/registry-cache', operator: 'In', values: ['true'] },
        ],
      },
      objectSelector: {},
      sideEffects: 'None',
      timeoutSeconds: 10,
      admissionReviewVersions: ['v1', 'v1beta1'],
      reinvocationPolicy: 'Never',
    },
  ]);
});

test('webhooks of both kinds become two configurations, each in the order of its names', () => {
  const later: Webhook = {
    ...VALIDATOR,
    name: 'registry-mirror-validator',
    path: '/webhooks/registry-config',
  };
  const found = webhookConfigurations(
    [later, MUTATOR, VALIDATOR],
    webhookNames('registry-cache-admission', undefined),
    { ...URL_PLACE, mode: 'service' },
    443,
  );
  assert.deepEqual(
    found.map(({ resource, webhooks }) => [resource.kind, webhooks.map(({ name }) => name)]),
    [
      ['MutatingWebhookConfiguration', ['registry-cache.registry-cache-admission.extensions.gardener.cloud']],
      [
        'ValidatingWebhookConfiguration',
        [
          'registry-cache-validator.registry-cache-admission.extensions.gardener.cloud',
          'registry-mirror-validator.registry-cache-admission.extensions.gardener.cloud',
        ],
      ],
    ],
  );
  assert.equal('reinvocationPolicy' in (found[1]?.webhooks[0] ?? {}), false);
  assert.deepEqual(found[1]?.webhooks[1]?.clientConfig.service, {
    name: 'gardener-extension-registry-cache-admission',
    namespace: 'ns',
    path: '/webhooks/registry-config',
    port: 443,
  });
});

test('without webhooks there is nothing to register', () => {
  assert.deepEqual(webhookConfigurations([], webhookNames('registry-cache', undefined), URL_PLACE, 1), []);
});
