import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { issueCertificate } from '../../kube/certificates/authority.ts';
import { DEFAULT_ROTATION } from '../../kube/certificates/rotation.ts';
import { SECRETS } from '../cluster/resources.ts';
import { AUTHORITY_SECRET, createAuthorityKeeper } from './authority-keeper.ts';

const { signal } = new AbortController();
const DAY = 24 * 3600_000;

function setting() {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const keeperOf = (more: { authorityNotBefore?: number; objectLabels?: Record<string, string> } = {}) =>
    createAuthorityKeeper({ client: kube.client(), clock }, { namespace: 'larder-system', ...more });
  const look = async (keeper: ReturnType<typeof keeperOf>) => {
    const result = await keeper.reconcile('', { signal, logger: silentLogger });
    const authority = keeper.current();
    assert.ok(authority);
    return { ...authority, result };
  };
  return { clock, kube, keeperOf, look };
}

test('an authority is created once, and the next operator keeps it', async () => {
  const { kube, keeperOf, look } = setting();
  const first = await look(keeperOf());
  const next = await look(keeperOf());
  assert.equal(next.id, first.id);
  assert.equal(kube.count('create'), 1);
  assert.equal(kube.count('replace'), 0);
});

test('an authority that is older than it may be gets one successor, which signs after its announcement', async () => {
  const { clock, kube, keeperOf, look } = setting();
  const first = await look(keeperOf());
  clock.advance(10 * DAY);
  // The successor begins before the time of the rotation, since clocks differ.
  const authorityNotBefore = clock.now();
  const early = keeperOf({ authorityNotBefore: authorityNotBefore + 60_000 });
  assert.equal((await look(early)).bundle, first.bundle);
  const keeper = keeperOf({ authorityNotBefore });
  for (let hour = 0; hour < 23; hour += 1) {
    const { id, bundle } = await look(keeper);
    assert.deepEqual([id, authoritiesOf(bundle).length], [first.id, 2]);
    clock.advance(3600_000);
  }
  clock.advance(2 * 3600_000);
  const later = await look(keeperOf({ authorityNotBefore }));
  assert.notEqual(later.id, first.id);
  assert.equal(kube.count('replace'), 1);
  clock.advance(60 * DAY);
  assert.equal(authoritiesOf((await look(keeper)).bundle).length, 1);
});

test('a fraction of a second in the time of a rotation makes no second successor', async () => {
  const { clock, keeperOf, look } = setting();
  await look(keeperOf());
  clock.advance(10 * DAY + 700);
  const keeper = keeperOf({ authorityNotBefore: clock.now() - 200 });
  for (let pass = 0; pass < 4; pass += 1) assert.equal(authoritiesOf((await look(keeper)).bundle).length, 2);
});

test('over a year and a half, a node with the bundle of a day ago always trusts the certificates in use', async () => {
  const { clock, keeperOf, look } = setting();
  const keeper = keeperOf();
  let known = (await look(keeper)).bundle;
  const certificates: { readonly pem: string; readonly until: number }[] = [];
  const signers = new Set<string>();
  for (let day = 0; day < 550; day += 1) {
    const { signing, id, bundle } = await look(keeper);
    const now = clock.now();
    const until = now + DEFAULT_ROTATION.certificateMs;
    if (!signers.has(id) || day % 5 === 0) {
      const { certificate } = await issueCertificate(signing, ['a'], { from: now, until });
      certificates.push({ pem: certificate, until });
    }
    signers.add(id);
    // A certificate is in use for two thirds of its life. The oldest and the newest in use fail first.
    const inUse = certificates.filter((one) => one.until - now > DEFAULT_ROTATION.certificateMs / 3);
    for (const { pem } of [inUse[0], inUse.at(-1)].filter((one) => one !== undefined)) {
      const isTrusted = authoritiesOf(known).some((one) => new X509Certificate(pem).verify(one.publicKey));
      assert.ok(isTrusted, `day ${day}`);
    }
    known = bundle;
    clock.advance(DAY);
  }
  assert.ok(signers.size >= 2, `only ${signers.size} authorities have signed`);
  assert.ok(authoritiesOf(known).length <= 2);
});

test('a malformed Secret is replaced, and a deleted one is created again', async () => {
  const { kube, keeperOf, look } = setting();
  const keeper = keeperOf();
  const first = await look(keeper);
  const client = kube.client();
  const key = { namespace: 'larder-system', name: AUTHORITY_SECRET };
  const secret = await client.get(SECRETS, key, { signal });
  await client.replace(SECRETS, { ...secret, data: { 'authorities.json': 'bm9uc2Vuc2U=' } }, { signal });
  const second = await look(keeper);
  assert.notEqual(second.id, first.id);
  await client.delete(SECRETS, key, { signal });
  assert.notEqual((await look(keeper)).id, second.id);
});

test('a Secret of its name with another owner is left alone, and an authority is created after it is gone', async () => {
  const { kube, keeperOf, look } = setting();
  const client = kube.client();
  const key = { namespace: 'larder-system', name: AUTHORITY_SECRET };
  const foreign = { apiVersion: 'v1', kind: 'Secret', metadata: key, data: { 'ca.crt': 'eA==' } };
  const before = await client.create(SECRETS, foreign, { signal });
  const keeper = keeperOf();
  const result = await keeper.reconcile('', { signal, logger: silentLogger });
  assert.ok(typeof result === 'object' && 'terminalError' in result);
  assert.equal(keeper.current(), undefined);
  assert.match(keeper.problem() ?? '', /^Secret larder-system\/larder-ca exists and was not made by Larder/);
  assert.deepEqual(await client.get(SECRETS, key, { signal }), before);

  await client.delete(SECRETS, key, { signal });
  const { id } = await look(keeper);
  assert.equal(keeper.problem(), undefined);
  const own = await client.get(SECRETS, key, { signal });
  await client.replace(SECRETS, { ...own, metadata: { ...own.metadata, labels: {} } }, { signal });
  await keeper.reconcile('', { signal, logger: silentLogger });
  assert.equal(keeper.current()?.id, id);
});

test('the Secret of an earlier setting gets the additional labels of this one by a single patch, and loses those before', async () => {
  const { kube, keeperOf, look } = setting();
  const client = kube.client();
  const key = { namespace: 'larder-system', name: AUTHORITY_SECRET };
  const secret = () => client.get(SECRETS, key, { signal });
  const { id } = await look(keeperOf());
  const { metadata, data } = await secret();
  await client.replace(
    SECRETS,
    { ...(await secret()), metadata: { ...metadata, labels: { ...metadata.labels, mine: 'x' } } },
    { signal },
  );
  const keep = { 'shoot.gardener.cloud/no-cleanup': 'true' };
  const labelled = keeperOf({ objectLabels: { ...keep, 'app.kubernetes.io/managed-by': 'other' } });
  for (let pass = 0; pass < 3; pass += 1) assert.equal((await look(labelled)).id, id);
  assert.equal(kube.count('patch'), 1);
  assert.deepEqual((await secret()).metadata.labels, { ...metadata.labels, mine: 'x', ...keep });
  assert.deepEqual((await secret()).data, data);

  const without = keeperOf();
  for (let pass = 0; pass < 3; pass += 1) assert.equal((await look(without)).id, id);
  assert.equal(kube.count('patch'), 2);
  assert.deepEqual((await secret()).metadata.labels, { ...metadata.labels, mine: 'x' });
});

test('a change handler runs when another authority signs, and only then', async () => {
  const { keeperOf, look } = setting();
  const keeper = keeperOf();
  const woken: string[] = [];
  keeper.changes(() => ['cache']).onChange((key) => woken.push(key));
  await look(keeper);
  await look(keeper);
  assert.deepEqual(woken, ['cache']);
});

function authoritiesOf(bundle: string): X509Certificate[] {
  return bundle
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((pem) => pem.trim() !== '')
    .map((pem) => new X509Certificate(pem));
}
