import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate as NodeCertificate } from 'node:crypto';
import { test } from 'node:test';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from '@peculiar/x509';
import { GO_AUTHORITY } from '../../../test/kube/go-authority.ts';
import { handshake } from '../../../test/kube/handshake.ts';
import { isLarderError } from '../../kit/errors.ts';
import { createAuthority } from './authority.ts';
import { validityOf } from './key-pair.ts';
import { createRsaAuthority, issueRsaCertificate } from './rsa-authority.ts';

const NOW = Math.floor(Date.now() / 1000) * 1000;
const MONTH = { from: NOW, until: NOW + 720 * 3600_000 };
const NAMES = { commonName: 'cache-tls', names: ['cache.kube-system.svc', '10.0.0.1', 'fd00::1'] };

test('an authority of RSA 3072 and its server certificates are those that Gardener would make', async () => {
  const authority = await createRsaAuthority('ca-of-test', MONTH);
  const pair = await issueRsaCertificate(authority, NAMES, MONTH);
  for (const { certificate, key } of [authority, pair]) {
    assert.match(key, /^-----BEGIN RSA PRIVATE KEY-----\n/);
    assert.equal(createPrivateKey(key).asymmetricKeyDetails?.modulusLength, 3072);
    assert.equal(new NodeCertificate(certificate).checkPrivateKey(createPrivateKey(key)), true);
    const { signatureAlgorithm } = new X509Certificate(certificate);
    assert.deepEqual(signatureAlgorithm, { name: 'RSASSA-PKCS1-v1_5', hash: { name: 'SHA-256' } });
    assert.deepEqual(validityOf(certificate), { from: NOW - 60_000, until: MONTH.until });
  }
  const { digitalSignature, keyEncipherment, keyCertSign, cRLSign } = KeyUsageFlags;
  const usages = digitalSignature | keyEncipherment;
  assert.deepEqual(describe(authority.certificate), {
    subject: 'CN=ca-of-test',
    usages: usages | keyCertSign | cRLSign,
    isAuthority: true,
    pathLength: undefined,
    extendedUsages: undefined,
  });
  assert.deepEqual(describe(pair.certificate), {
    subject: 'CN=cache-tls',
    usages,
    isAuthority: false,
    pathLength: undefined,
    extendedUsages: ['1.3.6.1.5.5.7.3.1'],
  });
  assert.equal(
    new NodeCertificate(pair.certificate).subjectAltName,
    'DNS:cache.kube-system.svc, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
  );
  assert.equal(await handshake(pair, authority.certificate, 'cache.kube-system.svc'), undefined);
});

test('a certificate by an authority that Go has made is trusted, whatever the form of its key', async () => {
  const pkcs8 = createPrivateKey(GO_AUTHORITY.key).export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const key of [GO_AUTHORITY.key, pkcs8]) {
    const pair = await issueRsaCertificate({ ...GO_AUTHORITY, key }, NAMES, MONTH);
    assert.equal(await handshake(pair, GO_AUTHORITY.certificate, 'cache.kube-system.svc'), undefined);
  }
});

test('a certificate without names is for none', async () => {
  const pair = await issueRsaCertificate(GO_AUTHORITY, { commonName: 'nameless', names: [] }, MONTH);
  assert.equal(new NodeCertificate(pair.certificate).subjectAltName, undefined);
});

test('an authority that cannot be read, or has a key of another kind, is an error that shows nothing of it', async () => {
  const { key } = GO_AUTHORITY;
  const other = await createAuthority('elliptic', MONTH);
  for (const authority of [{ certificate: 'nonsense', key }, { ...GO_AUTHORITY, key: 'nonsense' }, other]) {
    await assert.rejects(
      issueRsaCertificate(authority, NAMES, MONTH),
      (error) => isLarderError(error, 'TLS_FILES_INVALID') && !String(error).includes('PRIVATE'),
    );
  }
});

function describe(pem: string) {
  const certificate = new X509Certificate(pem);
  const constraints = certificate.getExtension(BasicConstraintsExtension);
  const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages;
  return {
    subject: certificate.subject,
    usages: certificate.getExtension(KeyUsagesExtension)?.usages,
    isAuthority: constraints?.ca,
    pathLength: constraints?.pathLength,
    extendedUsages: usages && [...usages],
  };
}
