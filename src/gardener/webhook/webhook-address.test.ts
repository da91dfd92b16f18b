import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateNames, webhookClientConfig, type WebhookPlace } from './webhook-address.ts';

const SERVICE = 'gardener-extension-registry-cache';
const PLACE: WebhookPlace = { mode: 'service', url: 'hook.test:8443', namespace: 'garden', servicePort: 443 };

test('each mode has its own address', () => {
  const address = (change: Partial<WebhookPlace>) =>
    webhookClientConfig({ ...PLACE, ...change }, SERVICE, 10250, '/webhooks/a');
  assert.deepEqual(address({ mode: 'url' }), { url: 'https://hook.test:8443/webhooks/a' });
  assert.deepEqual(address({ mode: 'url-service' }), { url: `https://${SERVICE}.garden:443/webhooks/a` });
  assert.deepEqual(address({ mode: 'service' }), {
    service: { name: SERVICE, namespace: 'garden', path: '/webhooks/a', port: 443 },
  });
  assert.equal(address({ mode: 'service', servicePort: 0 }).service?.port, 10250);
  assert.deepEqual(address({ mode: 'foo' }), {}, 'for the API server to refuse');
});

test('the certificate is for the host of the URL, or for the names of the Service', () => {
  const names = (change: Partial<WebhookPlace>) => certificateNames({ ...PLACE, ...change }, SERVICE);
  assert.deepEqual(names({}), [SERVICE, `${SERVICE}.garden`, `${SERVICE}.garden.svc`]);
  assert.deepEqual(names({ namespace: '' }), [SERVICE]);
  assert.deepEqual(names({ mode: 'url-service' }), []);
  const hosts = {
    'hook.test': 'hook.test',
    'hook.test:8443': 'hook.test',
    'hook.test:8443/path': 'hook.test',
    '127.0.0.1:10250': '127.0.0.1',
    '::1': '::1',
    '[::1]:10250': '::1',
    'hook.test:8443:more': 'hook.test:8443:more',
    '[::1]': '[::1]',
  };
  for (const [url, host] of Object.entries(hosts)) assert.deepEqual(names({ mode: 'url', url }), [host], url);
});
