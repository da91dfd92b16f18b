import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { FAST_CERTIFICATES } from '../../../test/gardener/fast-certificates.ts';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { openCertificates, type CertificatesOptions } from './cache-certificates.ts';

const DAY_MS = 24 * 3600_000;
const NAMESPACE = 'shoot--a--b';
const UPSTREAM = 'docker.io';
const SERVICES = [
  {
    name: 'registry-docker-io',
    upstream: UPSTREAM,
    remoteURL: 'https://registry-1.docker.io',
    scheme: 'https',
    clusterIP: '100.64.0.9',
  },
] as const;
const { signal } = new AbortController();

/** A shoot whose Extension is reconciled. */
function createShoot() {
  const clock = new ManualClock();
  const client = createMemoryKube(clock).client();
  let published: string | undefined;

  /** Reconciles, and returns the common name of the signer and those of the trusted authorities. */
  async function reconcile({ isPublished = true, ...facts }: Partial<Facts> = {}) {
    const certificates = await openCertificates(
      { client, clock, logger: silentLogger, certificates: FAST_CERTIFICATES },
      {
        namespace: NAMESPACE,
        facts: { rotationPhase: '', rotationStart: undefined, ...facts },
        publishedBundle: published,
      },
      signal,
    );
    const issued = await certificates.issue(SERVICES);
    const bundle = await client.get(SECRETS, { namespace: NAMESPACE, name: issued.bundle ?? '' }, { signal });
    if (isPublished) {
      published = issued.bundle;
      await certificates.cleanup();
    }
    const pem = Buffer.from(bundle.data?.['bundle.crt'] ?? '', 'base64').toString();
    const trusted = pem.split(/(?<=-----END CERTIFICATE-----\n)/).map((one) => new X509Certificate(one));
    const served = new X509Certificate(issued.certificates.get(UPSTREAM)?.['tls.crt'] ?? '');
    const signer = trusted.findIndex((one) => served.verify(one.publicKey));
    return { signer, trusted: trusted.map((one) => one.serialNumber) };
  }

  return { clock, client, reconcile };
}

type Facts = CertificatesOptions['facts'] & { readonly isPublished: boolean };

const RENEWAL_DAYS = 730 - 90;

test('an authority gets a successor 90 days before its end, and not earlier', async () => {
  const { clock, reconcile } = createShoot();
  const first = await reconcile();
  assert.deepEqual([first.signer, first.trusted.length], [0, 1]);
  clock.advance(RENEWAL_DAYS * DAY_MS - 1);
  assert.deepEqual((await reconcile()).trusted, first.trusted);
  clock.advance(2000);
  const renewed = await reconcile();
  assert.deepEqual([renewed.signer, renewed.trusted[1]], [1, first.trusted[0]]);
});

test('the successor signs when the bundle has been in the status for a week, and the old one stays trusted until its end', async () => {
  const { clock, reconcile } = createShoot();
  await reconcile();
  clock.advance((RENEWAL_DAYS + 1) * DAY_MS);
  const { trusted } = await reconcile();
  assert.equal((await reconcile()).signer, 1);
  clock.advance(7 * DAY_MS - 1);
  assert.equal((await reconcile()).signer, 1);
  clock.advance(1);
  assert.deepEqual(await reconcile(), { signer: 0, trusted });
  clock.advance(70 * DAY_MS);
  assert.deepEqual(await reconcile(), { signer: 0, trusted });
  clock.advance(20 * DAY_MS);
  assert.deepEqual(await reconcile(), { signer: 0, trusted: trusted.slice(0, 1) });
});

test('the time before the status names the bundle does not count', async () => {
  const { clock, reconcile } = createShoot();
  await reconcile();
  clock.advance((RENEWAL_DAYS + 1) * DAY_MS);
  await reconcile({ isPublished: false });
  clock.advance(8 * DAY_MS);
  await reconcile();
  assert.equal((await reconcile()).signer, 1);
  clock.advance(7 * DAY_MS);
  assert.equal((await reconcile()).signer, 0);
});

test('an authority that has ended does not sign, however seldom reconciles are', async () => {
  const { clock, reconcile } = createShoot();
  await reconcile();
  clock.advance(731 * DAY_MS);
  const { signer, trusted } = await reconcile();
  assert.deepEqual([signer, trusted.length], [0, 1]);
});

test('a rotation of the shoot goes before a successor that has not signed yet', async () => {
  const { clock, reconcile } = createShoot();
  const first = await reconcile();
  clock.advance((RENEWAL_DAYS + 1) * DAY_MS);
  const { trusted } = await reconcile();
  const rotationStart = clock.now();
  const rotating = await reconcile({ rotationPhase: 'Preparing', rotationStart });
  assert.deepEqual([rotating.signer, rotating.trusted[1]], [1, first.trusted[0]]);
  assert.ok(!rotating.trusted.includes(trusted[0] ?? ''));
  const completing = await reconcile({ rotationPhase: 'Completing', rotationStart });
  assert.deepEqual(completing, { signer: 0, trusted: rotating.trusted.slice(0, 1) });
});

test('without a cache that serves https nothing is created, and what there was is deleted', async () => {
  const { clock, client, reconcile } = createShoot();
  await reconcile();
  const certificates = await openCertificates(
    { client, clock, logger: silentLogger, certificates: FAST_CERTIFICATES },
    {
      namespace: NAMESPACE,
      facts: { rotationPhase: '', rotationStart: undefined },
      publishedBundle: undefined,
    },
    signal,
  );
  const issued = await certificates.issue([{ ...SERVICES[0], scheme: 'http' }]);
  assert.equal(issued.bundle, undefined);
  await certificates.cleanup();
  assert.deepEqual((await client.list(SECRETS, { namespace: NAMESPACE }, { signal })).items, []);
});
