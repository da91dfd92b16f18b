import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { FAST_CERTIFICATES } from '../../../test/gardener/fast-certificates.ts';
import { FLEET_NAMES, VALIDATOR } from '../../../test/gardener/webhook-fleet.ts';
import { createMemoryKube, type ClientOptions } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { pemCertificates } from '../../api/secrets/pem-block.ts';
import { createRegistration } from './registration.ts';
import {
  VALIDATING_WEBHOOK_CONFIGURATIONS as CONFIGURATIONS,
  webhookConfigurations,
} from './webhook-configuration.ts';

const { signal } = new AbortController();
const KEY = { name: FLEET_NAMES.configuration };
const PLACE = { mode: 'url', url: 'hook.test', namespace: 'garden', servicePort: 0 };
const OWNER = {
  apiVersion: 'v1',
  kind: 'Namespace',
  name: 'garden',
  uid: 'u',
  controller: true,
  blockOwnerDeletion: false,
};
let authorities: string[];

before(async () => {
  const day = { from: 1_700_000_000_000, until: 1_700_000_000_000 + 24 * 3600_000 };
  authorities = await Promise.all(
    ['a', 'b'].map(async (name) => `${(await FAST_CERTIFICATES.authority(name, day)).certificate}\n`),
  );
});

function setting({ network, url = PLACE.url }: ClientOptions & { readonly url?: string } = {}) {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const client = kube.client();
  const registrationOf = (place: string, manager: ClientOptions = {}) =>
    createRegistration(
      { client: kube.client(manager), clock },
      webhookConfigurations([VALIDATOR], FLEET_NAMES, { ...PLACE, url: place }, 443),
    );
  const registration = registrationOf(url, network === undefined ? {} : { network });
  const bundle = (index: number, othersUntil = 0) => ({
    certificates: authorities[index] ?? '',
    othersUntil,
  });
  return { clock, kube, client, registration, registrationOf, bundle };
}

test('a configuration is created with label, owner and bundle in one write, and then left alone', async () => {
  const { kube, client, registration, bundle } = setting();
  await registration.reconcile({ owner: OWNER, bundle: bundle(0) }, signal);
  const { metadata, webhooks = [] } = await client.get(CONFIGURATIONS, KEY, { signal });
  assert.deepEqual(metadata.labels, { 'remediation.webhook.shoot.gardener.cloud/exclude': 'true' });
  assert.deepEqual(metadata.ownerReferences, [OWNER]);
  assert.equal(webhooks[0]?.clientConfig.caBundle, Buffer.from(authorities[0] ?? '').toString('base64'));
  await registration.reconcile({ owner: OWNER, bundle: bundle(0) }, signal);
  await registration.reconcile({}, signal);
  assert.deepEqual([kube.count('create'), kube.count('replace')], [1, 0]);
  assert.deepEqual(await registration.bundles(signal), [authorities[0]]);
});

test('without a bundle the registered one stays, and without an owner the registered one stays', async () => {
  const { client, registration, registrationOf, bundle } = setting();
  await registration.reconcile({ owner: OWNER, bundle: bundle(0) }, signal);
  const before = await client.get(CONFIGURATIONS, KEY, { signal });
  await registrationOf('other.test').reconcile({}, signal);
  const after = await client.get(CONFIGURATIONS, KEY, { signal });
  assert.deepEqual(after.metadata.ownerReferences, [OWNER]);
  assert.deepEqual(after.webhooks?.[0]?.clientConfig, {
    url: 'https://other.test/webhooks/registry-cache',
    caBundle: before.webhooks?.[0]?.clientConfig.caBundle,
  });
});

test('labels, annotations and unknown fields of others stay, webhooks of others do not', async () => {
  const { client, registration, bundle } = setting();
  await registration.reconcile({ bundle: bundle(0) }, signal);
  const stored = await client.get(CONFIGURATIONS, KEY, { signal });
  const theirs = { ...(stored.webhooks?.[0] ?? assert.fail()), name: 'x.y.z' };
  await client.replace(
    CONFIGURATIONS,
    {
      ...stored,
      metadata: { ...stored.metadata, labels: { team: 'a' }, annotations: { note: 'b' } },
      webhooks: [theirs],
      future: { field: 1 },
    } as typeof stored,
    { signal },
  );
  await registration.reconcile({}, signal);
  const after = await client.get(CONFIGURATIONS, KEY, { signal });
  assert.deepEqual(after.metadata.labels, {
    team: 'a',
    'remediation.webhook.shoot.gardener.cloud/exclude': 'true',
  });
  assert.deepEqual(after.metadata.annotations, { note: 'b' });
  assert.deepEqual((after as unknown as Record<string, unknown>)['future'], { field: 1 });
  assert.deepEqual(after.webhooks, stored.webhooks);
});

test('an authority that is registered and unknown stays for the time given', async () => {
  const { clock, registration, bundle } = setting();
  await registration.reconcile({ bundle: bundle(0) }, signal);
  const counts: number[] = [];
  for (const ms of [0, 3600_000]) {
    clock.advance(ms);
    await registration.reconcile({ bundle: bundle(1, 1_700_000_000_000 + 3600_000) }, signal);
    const [registered = ''] = await registration.bundles(signal);
    assert.ok(registered.startsWith(authorities[1] ?? '?'));
    counts.push(pemCertificates(registered).length);
  }
  assert.deepEqual(counts, [2, 1]);
});

test('a write that meets another writer is repeated on what that has written', async () => {
  let races = 2;
  const { client, kube, bundle, registrationOf } = setting();
  const network: ClientOptions['network'] = async ({ verb }) => {
    if (verb === 'get' || races === 0) return;
    races -= 1;
    await registrationOf('theirs.test').reconcile({ bundle: bundle(races) }, signal);
  };
  await registrationOf('ours.test', { network }).reconcile({ owner: OWNER }, signal);
  const { webhooks = [], metadata } = await client.get(CONFIGURATIONS, KEY, { signal });
  assert.equal(webhooks[0]?.clientConfig.url, 'https://ours.test/webhooks/registry-cache');
  assert.ok(webhooks[0].clientConfig.caBundle, 'the bundle of the other writer');
  assert.deepEqual(metadata.ownerReferences, [OWNER]);
  assert.ok(kube.count('replace') + kube.count('create') <= 5);
});

test('a refusal is thrown, and so is a conflict that does not end', async () => {
  for (const [httpStatus, attempts] of [
    [403, 1],
    [409, 3],
  ] as const) {
    let writes = 0;
    const { registration } = setting({
      network({ verb }) {
        if (verb === 'get') return Promise.resolve();
        writes += 1;
        return Promise.reject(new KubeError('refused', { httpStatus, reason: 'Refused' }));
      },
    });
    await assert.rejects(registration.reconcile({}, signal), { httpStatus });
    assert.equal(writes, attempts);
  }
});

test('a configuration that does not exist has no bundle', async () => {
  assert.deepEqual(await setting().registration.bundles(signal), []);
});
