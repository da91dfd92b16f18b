import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { handshake } from '../../../test/kube/handshake.ts';
import { isLarderError } from '../../kit/errors.ts';
import { createAuthority, issueCertificate } from './authority.ts';
import { validityOf } from './key-pair.ts';

const YEAR = { from: Date.now(), until: Date.now() + 365 * 24 * 3600_000 };
const NAMES = ['registry-docker-io.larder-system.svc', '127.0.0.1', '::1'];

test('a certificate is accepted for its names by a client that trusts its authority, and by no other', async () => {
  const authority = await createAuthority('larder', YEAR);
  const other = await createAuthority('larder', YEAR);
  const pair = await issueCertificate(authority, NAMES, YEAR);
  assert.equal(await handshake(pair, authority.certificate, NAMES[0] ?? ''), undefined);
  assert.equal(
    await handshake(pair, `${other.certificate}\n${authority.certificate}`, NAMES[0] ?? ''),
    undefined,
  );
  assert.notEqual(await handshake(pair, other.certificate, NAMES[0] ?? ''), undefined);
  assert.equal(await handshake(pair, authority.certificate, 'elsewhere.svc'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  const { subjectAltName } = new X509Certificate(pair.certificate);
  assert.match(
    subjectAltName ?? '',
    /DNS:registry-docker-io\.larder-system\.svc, IP Address:127\.0\.0\.1, IP Address:/,
  );
});

test('a certificate cannot sign others', async () => {
  const authority = await createAuthority('larder', YEAR);
  const leaf = await issueCertificate(authority, NAMES, YEAR);
  const forged = await issueCertificate(leaf, NAMES, YEAR);
  const chain = { certificate: `${forged.certificate}\n${leaf.certificate}`, key: forged.key };
  assert.notEqual(await handshake(chain, authority.certificate, NAMES[0] ?? ''), undefined);
});

test('a certificate ends with its authority at the latest, and begins a little earlier for slow clocks', async () => {
  const authority = await createAuthority('larder', YEAR);
  const pair = await issueCertificate(authority, NAMES, { ...YEAR, until: YEAR.until + 1e9 });
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  assert.equal(seconds(validityOf(pair.certificate)?.until ?? 0), seconds(YEAR.until));
  assert.equal(seconds(validityOf(pair.certificate)?.from ?? 0), seconds(YEAR.from - 300_000));
});

test('an unreadable authority is an error that shows nothing of its key', async () => {
  const { key } = await createAuthority('larder', YEAR);
  await assert.rejects(
    issueCertificate({ certificate: 'nonsense', key }, NAMES, YEAR),
    (error) => isLarderError(error, 'TLS_FILES_INVALID') && !String(error).includes('PRIVATE'),
  );
  assert.equal(validityOf('nonsense'), undefined);
});
