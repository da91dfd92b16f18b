import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createTestPki } from './index.ts';

test('the certificate of a client names it, and is signed by the authority', () => {
  const pki = createTestPki();
  const { cert, key } = pki.client({ commonName: 'system:node:one', organization: 'system:nodes' });
  const certificate = new X509Certificate(cert);
  assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:one');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.ok(certificate.verify(new X509Certificate(pki.caPem).publicKey));
  assert.match(key, /BEGIN PRIVATE KEY/);
});
