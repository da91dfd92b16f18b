import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createRelayCertificate } from './relay-certificate.ts';

test('a certificate is valid for its host at any time that the clock of a node may show', async () => {
  for (const host of ['127.0.0.1', '::1']) {
    const { certificate, ca } = await createRelayCertificate(host);
    const [leaf, authority] = [new X509Certificate(certificate), new X509Certificate(ca)];
    assert.equal(leaf.checkIP(host), host);
    assert.ok(leaf.verify(authority.publicKey));
    for (const one of [leaf, authority]) {
      assert.ok(one.validFromDate < new Date('2000-01-02'), one.validFrom);
      assert.ok(one.validToDate > new Date('9999-01-01'), one.validTo);
    }
  }
});
