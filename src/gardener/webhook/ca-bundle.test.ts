import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { FAST_CERTIFICATES } from '../../../test/gardener/fast-certificates.ts';
import type { KeyPair } from '../../kube/certificates/key-pair.ts';
import { pemCertificates } from '../../api/secrets/pem-block.ts';
import { isTrustedBy, nextBundle } from './ca-bundle.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3600_000;
const authority = async (name: string, untilMs = NOW + HOUR): Promise<KeyPair> => {
  const made = await FAST_CERTIFICATES.authority(name, { from: NOW, until: untilMs });
  return { ...made, certificate: `${made.certificate}\n` };
};
let a: KeyPair;
let b: KeyPair;

before(async () => {
  a = await authority('ca');
  b = await authority('ca');
});

test('registered certificates that are unknown stay until the time given, and no longer than they are valid', async () => {
  const ended = await authority('ended', NOW - 1000);
  const registered = `${b.certificate}${ended.certificate}`;
  const next = (othersUntil: number, now = NOW) =>
    pemCertificates(nextBundle({ certificates: a.certificate, othersUntil }, registered, now)).length;
  assert.equal(next(NOW + 1), 2, 'its own and the other one');
  assert.equal(next(NOW), 1);
  assert.equal(next(NOW + 3 * HOUR, NOW + 2 * HOUR), 1, 'the other one has ended');
});

test('a certificate that is known already, or is there twice, is not added', () => {
  const wanted = { certificates: `${a.certificate}${b.certificate}`, othersUntil: NOW + 1 };
  const reversed = `${b.certificate}\n\n${a.certificate.trim()}`;
  assert.equal(nextBundle(wanted, reversed, NOW), wanted.certificates);
  const others = { ...wanted, certificates: a.certificate };
  assert.equal(nextBundle(others, `${b.certificate}${b.certificate}`, NOW), wanted.certificates);
});

test('a bundle does not grow without limit, and text that is no certificate is dropped', async () => {
  const many = await Promise.all(Array.from({ length: 12 }, (_, index) => authority(`ca-${index}`)));
  const registered = ['-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n', 'text']
    .concat(many.map(({ certificate }) => certificate))
    .join('');
  const bundle = nextBundle({ certificates: a.certificate, othersUntil: NOW + 1 }, registered, NOW);
  assert.equal(pemCertificates(bundle).length, 9);
});

test('a server certificate is trusted if an authority of the bundle has signed it and both are valid', async () => {
  const names = { commonName: 'server', names: ['hook.test'] };
  const issue = async (until: number) =>
    (await FAST_CERTIFICATES.server(a, names, { from: NOW, until })).certificate;
  const [long, short] = [await issue(NOW + 9 * HOUR), await issue(NOW + 1000)];
  assert.equal(isTrustedBy(long, a.certificate, NOW), true);
  assert.equal(isTrustedBy(long, `${b.certificate}${a.certificate}`, NOW), true);
  assert.equal(isTrustedBy(long, b.certificate, NOW), false, 'of the same name');
  assert.equal(isTrustedBy(long, a.certificate, NOW + HOUR), false, 'the authority has ended');
  assert.equal(isTrustedBy(short, a.certificate, NOW + 1000), false, 'the certificate has ended');
  assert.equal(isTrustedBy(long, '', NOW), false);
  assert.equal(isTrustedBy('x', a.certificate, NOW), false);
});
