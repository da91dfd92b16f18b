import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateFactory, generatedKeys } from './certificate-factory.ts';
import { RSA_PROFILE } from './rsa-authority.ts';

const EC_PROFILE = {
  ...RSA_PROFILE,
  algorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  keyFormat: 'pkcs8',
} as const;
const DAY = { from: 0, until: 86_400_000 };

test('a factory generates the keys of many certificates one at a time, and goes on after a failure', async () => {
  let running = 0;
  let most = 0;
  let calls = 0;
  const factory = createCertificateFactory(EC_PROFILE, async () => {
    calls += 1;
    running += 1;
    most = Math.max(most, running);
    try {
      if (calls === 2) throw new Error('no entropy');
      return await generatedKeys(EC_PROFILE);
    } finally {
      running -= 1;
    }
  });
  const made = await Promise.allSettled(
    Array.from({ length: 5 }, (_, index) => factory.authority(`ca-${index}`, DAY)),
  );
  assert.deepEqual(
    made.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  assert.equal(most, 1);
});
