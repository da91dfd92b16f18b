import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FAST_CERTIFICATES } from '../../../test/gardener/fast-certificates.ts';
import {
  FLEET_NAMES,
  FLEET_NAMESPACE,
  HOOK_HOST,
  trustedTimes,
  whileTimePasses,
  WebhookFleet,
  type Replica,
} from '../../../test/gardener/webhook-fleet.ts';
import { forever } from '../../../test/kube/client.ts';
import type { ClientOptions } from '../../../test/kube/memory-kube.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { createManagedCertificates } from './managed-certificates.ts';
import { pemCertificates } from '../../api/secrets/pem-block.ts';
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from './webhook-configuration.ts';
import { silentLogger } from '../../kit/logger.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A fleet with two replicas, of which the first leads. */
async function startFleet(faults: { a?: ClientOptions['network']; b?: ClientOptions['network'] } = {}) {
  const fleet = new WebhookFleet();
  await fleet.createNamespace();
  const a = await fleet.open('a', { ...(faults.a && { network: faults.a }) });
  const b = await fleet.open('b', { ...(faults.b && { network: faults.b }) });
  await fleet.lead(a);
  return { fleet, a, b };
}

async function isTrusted(fleet: WebhookFleet, replica: Replica): Promise<boolean> {
  const times = trustedTimes(await replica.connect(), (await fleet.registeredBundle()) ?? '');
  return times.some(({ from, until }) => from <= fleet.clock.now() && fleet.clock.now() < until);
}

async function secretNames(fleet: WebhookFleet): Promise<string[]> {
  const { items } = await fleet.client.list(SECRETS, { namespace: FLEET_NAMESPACE }, forever());
  return items.map(({ metadata }) => metadata.name).toSorted();
}

async function deleteAllSecrets(fleet: WebhookFleet): Promise<void> {
  for (const name of await secretNames(fleet))
    await fleet.client.delete(SECRETS, { namespace: FLEET_NAMESPACE, name }, forever());
}

const down = () => Promise.reject(new KubeError('down', { httpStatus: undefined, reason: 'Unreachable' }));

describe('start', () => {
  test('replicas that start at the same time share one authority and one certificate, before any leads', async () => {
    await using fleet = new WebhookFleet();
    const [a, b] = await Promise.all([fleet.open('a'), fleet.open('b')]);
    assert.equal((await secretNames(fleet)).length, 3);
    const { fingerprint256 } = await a.connect();
    assert.equal((await b.connect()).fingerprint256, fingerprint256);
    assert.equal(await fleet.configuration(), undefined);
    assert.ok(a.webhooks.isServing() && b.webhooks.isServing());
  });

  test('a replica of later writes nothing, and has the certificate in its directory', async () => {
    await using fleet = new WebhookFleet();
    const a = await fleet.open('a');
    const before = await secretNames(fleet);
    const writes = fleet.kube.requests.length;
    const b = await fleet.open('b');
    assert.ok(fleet.kube.requests.slice(writes).every(({ verb }) => verb === 'list' || verb === 'get'));
    assert.deepEqual(await secretNames(fleet), before);
    const directory = join(fleet.directory.path, 'b');
    assert.deepEqual(readdirSync(directory).toSorted(), ['tls.crt', 'tls.key']);
    const pem = readFileSync(join(directory, 'tls.crt'), 'utf8');
    assert.equal((await b.connect()).toString(), pem);
    assert.equal((await a.connect()).toString(), pem);
  });

  test('the certificate is for the host of the URL, and names the component', async () => {
    await using fleet = new WebhookFleet();
    const certificate = await (await fleet.open('a')).connect();
    assert.equal(certificate.subject, 'CN=registry-cache-admission');
    assert.equal(certificate.subjectAltName, `DNS:${HOOK_HOST}`);
  });

  test('the certificates exist also if there are no webhooks, and nothing is registered', async () => {
    await using fleet = new WebhookFleet();
    await fleet.createNamespace();
    await fleet.lead(await fleet.open('a', { webhooks: [] }));
    assert.equal((await secretNames(fleet)).length, 3);
    assert.equal(await fleet.configuration(), undefined);
  });

  test('Secrets that cannot be read are an error in the words of the Go library', async () => {
    await using fleet = new WebhookFleet();
    const serverMessage = 'secrets is forbidden: User "u" cannot list resource "secrets"';
    const network = () =>
      Promise.reject(new KubeError('x', { httpStatus: 403, reason: 'Forbidden', serverMessage }));
    await assert.rejects(fleet.open('a', { network }), {
      message: `failed to add webhook server certificate reconciler: ${serverMessage}`,
    });
  });

  test('a directory that cannot be made is an error in the words of the Go library', async () => {
    await using fleet = new WebhookFleet();
    const options = { ...fleet.options('a'), certificateDirectory: '/dev/null/x' };
    await assert.rejects(fleet.open('a', { options }), {
      message: 'failed to add webhook server certificate reloader: mkdir /dev/null/x: not a directory',
    });
  });

  test('after 40 days without a replica the first one makes new certificates at once', async () => {
    await using fleet = new WebhookFleet();
    await fleet.createNamespace();
    const a = await fleet.open('a');
    await fleet.lead(a);
    const old = await a.connect();
    await a.stop();
    fleet.clock.advance(40 * DAY);
    const b = await fleet.open('b');
    assert.notEqual((await b.connect()).fingerprint256, old.fingerprint256);
    await fleet.lead(b);
    assert.ok(await isTrusted(fleet, b));
    assert.equal(pemCertificates((await fleet.registeredBundle()) ?? '').length, 1);
  });
});

describe('leadership', () => {
  test('the registration has owner and bundle from its first moment', async () => {
    const { fleet, a, b } = await startFleet();
    await using _ = fleet;
    assert.deepEqual(
      [fleet.kube.count('create', 'validatingwebhookconfigurations'), fleet.kube.count('replace')],
      [1, 0],
    );
    const [owner] = (await fleet.configuration())?.metadata.ownerReferences ?? [];
    assert.equal(owner?.name, FLEET_NAMESPACE);
    assert.ok((await isTrusted(fleet, a)) && (await isTrusted(fleet, b)));
  });

  test('at rest a leader writes nothing', async () => {
    const { fleet } = await startFleet();
    await using _ = fleet;
    const requests = fleet.kube.requests.length;
    for (let minute = 0; minute < 60; minute += 1) await fleet.pass(MINUTE);
    const verbs = fleet.kube.requests.slice(requests).map(({ verb }) => verb);
    assert.ok(verbs.every((verb) => verb === 'list' || verb === 'get'));
    // Leader: Secrets, registration, and both again for its own certificate. The other: the last two.
    assert.ok(verbs.length <= 12 * 6 + 6, `${verbs.length} requests an hour`);
  });

  test('a missing owner ends the leadership, and the webhooks are registered without one', async () => {
    await using fleet = new WebhookFleet();
    const a = await fleet.open('a');
    const stop = new AbortController();
    await assert.rejects(whileTimePasses(fleet.clock, a.webhooks.lead(stop.signal), 100), {
      message: /last error: error reconciling seed webhook config: Namespace "garden" not found$/,
    });
    const configuration = await fleet.configuration();
    assert.equal(configuration?.metadata.ownerReferences, undefined);
    assert.ok(configuration?.webhooks?.[0]?.clientConfig.caBundle);
    await fleet.settle();
  });

  test('a registration that was deleted by hand is back in 5 minutes, with its owner', async () => {
    const { fleet, a } = await startFleet();
    await using _ = fleet;
    const key = { name: FLEET_NAMES.configuration };
    await fleet.client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, key, forever());
    await fleet.pass(5 * MINUTE);
    assert.equal((await fleet.configuration())?.metadata.ownerReferences?.length, 1);
    assert.ok(await isTrusted(fleet, a));
  });

  test('a leader whose Secrets cannot be read registers all the same, and tries again with longer pauses', async () => {
    await using fleet = new WebhookFleet();
    await fleet.createNamespace();
    let isDown = false;
    let lists = 0;
    const a = await fleet.open('a', {
      network({ plural }) {
        if (plural === 'secrets') lists += 1;
        return isDown && plural === 'secrets' ? down() : Promise.resolve();
      },
    });
    isDown = true;
    await fleet.lead(a);
    assert.equal((await fleet.configuration())?.webhooks?.length, 1);
    assert.equal(await fleet.registeredBundle(), '');
    lists = 0;
    for (let second = 0; second < 20 * 60; second += 1) await fleet.pass(1000);
    assert.ok(lists < 60, `${lists} requests in 20 minutes`);
    isDown = false;
    await fleet.pass(5 * MINUTE);
    assert.ok(await isTrusted(fleet, a));
  });
});

describe('rotation', () => {
  test('a new authority is registered for 4 minutes before it signs', async () => {
    const { fleet, a, b } = await startFleet();
    await using _ = fleet;
    const first = await a.connect();
    await fleet.pass(20 * DAY - HOUR);
    let registeredAt: number | undefined;
    let signedAt: number | undefined;
    const servers = async () =>
      (await secretNames(fleet)).filter((name) => name.startsWith(FLEET_NAMES.server));
    const [oldServer] = await servers();
    for (let minute = 0; minute < 90; minute += 1) {
      await fleet.pass(MINUTE);
      const bundle = pemCertificates((await fleet.registeredBundle()) ?? '');
      if (bundle.length === 2) registeredAt ??= fleet.clock.now();
      if ((await servers()).some((name) => name !== oldServer)) signedAt ??= fleet.clock.now();
      assert.ok((await isTrusted(fleet, a)) && (await isTrusted(fleet, b)));
    }
    assert.ok(registeredAt !== undefined && signedAt !== undefined && signedAt - registeredAt >= 4 * MINUTE);
    for (const replica of [a, b])
      assert.notEqual((await replica.connect()).fingerprint256, first.fingerprint256);
    assert.deepEqual([a.exchanges, b.exchanges], [1, 1]);
  });

  test('while the new authority cannot be registered, the old one signs and nothing is deleted', async () => {
    let isDown = false;
    const network: ClientOptions['network'] = ({ verb, plural }) =>
      isDown && plural !== 'secrets' && verb === 'replace' ? down() : Promise.resolve();
    const { fleet, a, b } = await startFleet({ a: network });
    await using _ = fleet;
    const first = (await a.connect()).fingerprint256;
    isDown = true;
    await fleet.pass(20 * DAY + HOUR);
    for (let hour = 0; hour < 60; hour += 1) {
      await fleet.pass(HOUR);
      assert.equal((await a.connect()).fingerprint256, first);
      assert.ok((await isTrusted(fleet, a)) && (await isTrusted(fleet, b)));
    }
    isDown = false;
    const counts: number[] = [];
    for (let hour = 0; hour < 26; hour += 1) {
      await fleet.pass(HOUR);
      assert.ok((await isTrusted(fleet, a)) && (await isTrusted(fleet, b)));
      counts.push(pemCertificates((await fleet.registeredBundle()) ?? '').length);
    }
    assert.equal(counts.lastIndexOf(2), 24, 'an hour to announce, and a day of overlap');
    assert.notEqual((await b.connect()).fingerprint256, first);
  });

  test('a replica that cannot read the Secrets is trusted for as long as it says that it serves', async () => {
    let isDown = false;
    const { fleet, a, b } = await startFleet({ b: () => (isDown ? down() : Promise.resolve()) });
    await using _ = fleet;
    const first = (await b.connect()).fingerprint256;
    await fleet.pass(20 * DAY - HOUR);
    await fleet.pass(5 * MINUTE);
    isDown = true;
    let served = 0;
    for (let hour = 0; hour < 30; hour += 1) {
      await fleet.pass(HOUR);
      assert.ok(a.webhooks.isServing() && (await isTrusted(fleet, a)));
      if (!b.webhooks.isServing()) continue;
      served += 1;
      assert.ok(await isTrusted(fleet, b));
    }
    assert.equal(served, 11, 'hours');
    assert.equal((await b.connect()).fingerprint256, first);
    isDown = false;
    await fleet.pass(MINUTE);
    assert.ok(b.webhooks.isServing() && (await isTrusted(fleet, b)));
  });

  test('a replica that cannot read the registration keeps its certificate', async () => {
    let isDown = false;
    const network: ClientOptions['network'] = ({ plural }) =>
      isDown && plural !== 'secrets' ? down() : Promise.resolve();
    const { fleet, a, b } = await startFleet({ b: network });
    await using _ = fleet;
    const first = (await b.connect()).fingerprint256;
    isDown = true;
    await fleet.pass(20 * DAY + MINUTE);
    for (let hour = 0; hour < 11; hour += 1) await fleet.pass(HOUR);
    assert.notEqual((await a.connect()).fingerprint256, first);
    assert.equal((await b.connect()).fingerprint256, first);
    assert.ok(await isTrusted(fleet, b));
    isDown = false;
    await fleet.pass(MINUTE);
    assert.notEqual((await b.connect()).fingerprint256, first);
  });

  test('Secrets that were all deleted by hand are made again, and clients connect at every step', async () => {
    const { fleet, a, b } = await startFleet();
    await using _ = fleet;
    const first = (await a.connect()).fingerprint256;
    await deleteAllSecrets(fleet);
    for (let step = 1; step <= 40; step += 1) {
      await fleet.pass(step <= 12 ? 2 * MINUTE : HOUR);
      assert.ok((await isTrusted(fleet, a)) && (await isTrusted(fleet, b)), `at step ${step}`);
    }
    assert.equal(pemCertificates((await fleet.registeredBundle()) ?? '').length, 1);
    for (const replica of [a, b]) assert.notEqual((await replica.connect()).fingerprint256, first);
  });

  test('a newer certificate is not served before its authority is registered', async () => {
    const { fleet, a } = await startFleet();
    await using _ = fleet;
    const first = (await a.connect()).fingerprint256;
    await fleet.stepDown();
    await deleteAllSecrets(fleet);
    // Another program creates a certificate, and has not registered its authority yet.
    const deps = {
      client: fleet.client,
      clock: fleet.clock,
      logger: silentLogger,
      certificates: FAST_CERTIFICATES,
    };
    const options = { names: FLEET_NAMES, namespace: FLEET_NAMESPACE, serverNames: [HOOK_HOST] };
    await createManagedCertificates(deps, options).create(forever().signal);
    for (let hour = 0; hour < 3; hour += 1) {
      await fleet.pass(HOUR);
      assert.equal((await a.connect()).fingerprint256, first);
    }
    await fleet.lead(a);
    await fleet.pass(5 * MINUTE);
    assert.notEqual((await a.connect()).fingerprint256, first);
  });
});
