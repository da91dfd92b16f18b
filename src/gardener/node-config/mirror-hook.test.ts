import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterFacts } from '../shoots/cluster-facts.ts';
import { mirrorHook } from './mirror-hook.ts';

const MEBIBYTE = 'A'.repeat(1024 * 1024);

/** A shoot whose mirrors have one CA bundle each, by these references. Counts reads of Secrets. */
function shootWith(references: readonly string[], bundle: string) {
  const read: string[] = [];
  const mirrors = references.map((reference, index) => ({
    upstream: `u${index}.io`,
    hosts: [{ host: 'https://m.io', caBundleSecretReferenceName: reference }],
  }));
  const providerConfig = {
    apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1',
    kind: 'MirrorConfig',
    mirrors,
  };
  const resources = [...new Set(references)].map((name) => ({ name, resourceRef: { kind: 'Secret', name } }));
  const extension = { metadata: { namespace: 'shoot', name: 'registry-mirror' }, spec: { providerConfig } };
  const shoot = {
    facts: { isDeleted: false, resources } as unknown as ClusterFacts,
    reads: {
      namespace: 'shoot',
      cluster: () => Promise.reject(new Error('not read')),
      extension: () => Promise.resolve({ apiVersion: '', kind: '', ...extension }),
      bundle(name: string) {
        read.push(name);
        return Promise.resolve(bundle);
      },
    },
  };
  return { shoot, read };
}

test('a Secret is read once for all hosts', async () => {
  const { shoot, read } = shootWith(['ca', 'ca', 'ca'], MEBIBYTE);
  const change = await mirrorHook(shoot);
  assert.equal(change?.files.length, 3);
  assert.deepEqual(read, ['ref-ca']);
});

test('certificates that no API server takes end the reads', async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `ca-${index}`);
  const { shoot, read } = shootWith(names, MEBIBYTE);
  await assert.rejects(mirrorHook(shoot), { code: 'CONFIG_INVALID', message: /more than 3145728 bytes/ });
  assert.equal(read.length, 4);
});

test('one Secret for a thousand hosts is refused as well', async () => {
  const { shoot, read } = shootWith(
    Array.from({ length: 1000 }, () => 'ca'),
    MEBIBYTE,
  );
  await assert.rejects(mirrorHook(shoot), { code: 'CONFIG_INVALID', message: /more than 3145728 bytes/ });
  assert.equal(read.length, 1);
});
