import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CacheConfig, RegistryConfig } from '../../src/api/registry-config/effective.ts';
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import { registryConfigSchema } from '../../src/api/registry-config/schema.ts';
import { parseFileName } from '../../src/api/secrets/secret-files.ts';
import { openDistributionSource } from '../../src/cache/distribution/distribution-source.ts';
import { configSecret } from '../../src/gardener/caches/config-secret.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { secretNames } from '../../src/operator/render/secret-object.ts';
import { validRegistryConfig } from '../api/registry-configs.ts';
import { tempDir } from '../kit/temp.ts';
import { mountSecret } from './mounted-secret.ts';

/** Documents of which half have no settings of Larder's own. */
const document = fc
  .tuple(validRegistryConfig, fc.boolean())
  .map(([one, isPlain]) => (isPlain ? { ...one, caches: one.caches.map(withoutOwn) } : one));

function withoutOwn({
  garbageCollection,
  ...cache
}: {
  readonly garbageCollection?: { readonly ttl?: string };
}): object {
  const own = { authentication: null, freshness: null, credentials: null, provider: null, preload: null };
  const { ttl } = garbageCollection ?? {};
  return {
    ...cache,
    ...own,
    caBundleSecretReferenceName: null,
    ...(ttl !== undefined && { garbageCollection: { ttl } }),
  };
}

const CONTENT = { username: 'dQ==', password: 'cA==', 'bundle.crt': 'UEVN' };

test('property: a cache reads of the mounted Secret what the configuration of its shoot means', async () => {
  const counts = { alone: 0, withAddition: 0 };
  await fc.assert(
    fc.asyncProperty(document, async (one) => {
      const wanted = parseRegistryConfig(one);
      assert.ok(wanted.ok);
      for (const [index, cache] of registryConfigSchema.parse(one).caches.entries()) {
        const names = secretNames(cache);
        const { data } = configSecret(cache, {
          resources: names.map((name) => ({ name, resourceRef: { kind: 'Secret', name } })),
          copies: new Map(names.map((name) => [`ref-${name}`, CONTENT])),
        });
        const config = await readMounted(data);
        const actual = config.caches[0];
        const expected: CacheConfig | undefined = wanted.config.caches[index];
        assert.ok(actual && expected);
        const isAlone = !('larder.yaml' in data);
        counts[isAlone ? 'alone' : 'withAddition'] += 1;
        assert.deepEqual(meaning(actual, isAlone), meaning(expected, isAlone));
        if (!isAlone) assert.deepEqual(mountedNames(data), new Set(names));
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(counts.alone > 5 && counts.withAddition > 20, JSON.stringify(counts));
});

async function readMounted(data: Readonly<Record<string, string>>): Promise<RegistryConfig> {
  using directory = tempDir();
  const path = join(directory.path, 'distribution');
  const files = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  mountSecret(path, Object.fromEntries(files) as Record<string, string>);
  const source = await openDistributionSource(join(path, 'config.yml'));
  return await source.load(silentLogger);
}

/** Names of the Secrets of which there are files. */
function mountedNames(data: Readonly<Record<string, string>>): Set<string> {
  const names = Object.keys(data).map((key) => parseFileName(key)?.name);
  return new Set(names.filter((name) => name !== undefined));
}

/** The settings that a cache acts by. Distribution's file names neither the upstream nor the Secret, and has a URL in another spelling. */
function meaning(cache: CacheConfig, isAlone: boolean): object {
  const { authentication, freshness, garbageCollection, credentials, preload, remoteURL } = cache;
  const { upstream, secretReferenceName, caBundleSecretReferenceName: bundle } = cache;
  return {
    authentication,
    freshness,
    garbageCollection,
    credentials,
    preload,
    bundle,
    remoteURL: new URL(remoteURL).href,
    hasLogin: secretReferenceName !== undefined,
    ...(!isAlone && { upstream, secretReferenceName, remoteURL }),
  };
}
