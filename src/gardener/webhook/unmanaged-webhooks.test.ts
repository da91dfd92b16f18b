import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { WebhookFleet } from '../../../test/gardener/webhook-fleet.ts';

const YEAR = 365 * 24 * 3600_000;

test('without a namespace the certificate is for ten years, in the directory and in the registration, and in no Secret', async () => {
  await using fleet = new WebhookFleet();
  const managed = fleet.options('a');
  const place = { ...managed.place, namespace: '' };
  const a = await fleet.open('a', { options: { ...managed, place, ownerNamespace: '' } });
  assert.deepEqual(readdirSync(managed.certificateDirectory).toSorted(), ['tls.crt', 'tls.key']);
  const certificate = await a.connect();
  assert.equal(certificate.subject, 'CN=registry-cache-admission');
  assert.ok(certificate.validToDate.getTime() - fleet.clock.now() > 9.99 * YEAR);

  const stop = new AbortController();
  let isDone = false;
  const leading = a.webhooks.lead(stop.signal).finally(() => (isDone = true));
  while ((await fleet.configuration()) === undefined) await new Promise(setImmediate);
  const authority = new X509Certificate((await fleet.registeredBundle()) ?? '');
  assert.ok(certificate.verify(authority.publicKey));
  assert.equal(authority.subject, 'CN=registry-cache-admission');
  assert.ok(authority.validToDate.getTime() - fleet.clock.now() > 9.99 * YEAR);
  assert.equal((await fleet.configuration())?.metadata.ownerReferences, undefined);
  assert.equal(fleet.kube.requests.filter(({ plural }) => plural === 'secrets').length, 0);
  assert.equal(isDone, false, 'leads until it is stopped');
  stop.abort(new Error('stop'));
  await leading;

  assert.ok(a.webhooks.isServing());
  fleet.clock.advance(11 * YEAR);
  assert.equal(a.webhooks.isServing(), false);
  await a.webhooks.close();
  fleet.replicas.length = 0;
});
