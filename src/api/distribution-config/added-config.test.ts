import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { validRegistryConfig } from '../../../test/api/registry-configs.ts';
import { parseRegistryConfig } from '../registry-config/parse.ts';
import { registryConfigSchema, type CacheDocument } from '../registry-config/schema.ts';
import { parseAddedConfig, writeAddedConfig, writeHandBack } from './added-config.ts';

function cacheOf(fields: object): CacheDocument {
  const [cache] = registryConfigSchema.parse({ caches: [{ upstream: 'quay.io', ...fields }] }).caches;
  return cache as CacheDocument;
}

/** Fields that Distribution's file or the objects of a cache express. */
const EXPRESSED = {
  remoteURL: 'https://quay.example',
  garbageCollection: { ttl: '1h' },
  secretReferenceName: 'login',
  volume: { size: '1Gi', storageClassName: 'fast' },
  proxy: { httpsProxy: 'https://proxy.example' },
  http: { tls: false },
  highAvailability: { enabled: true },
  serviceNameSuffix: 'x',
};

test('a cache without settings of its own has no file, also where it has the defaults written out', () => {
  assert.equal(writeAddedConfig(cacheOf({})), undefined);
  assert.equal(writeAddedConfig(cacheOf(EXPRESSED)), undefined);
  const defaults = {
    authentication: { mode: 'Caller', realm: 'Upstream', proofLifetime: '300s' },
    freshness: { tagTTL: '30s' },
    credentials: [],
    preload: null,
  };
  assert.equal(writeAddedConfig(cacheOf(defaults)), undefined);
  const shared = { secretReferenceName: 'login', authentication: { mode: 'Shared' } };
  assert.equal(writeAddedConfig(cacheOf(shared)), undefined);
});

test('each setting of its own gives it a file, which has that and what the file replaces', () => {
  for (const [own, text] of [
    [{ freshness: { tagTTL: '1s' } }, 'freshness:\n      tagTTL: 1s\n      staleIfError: 24h0m0s\n'],
    [{ preload: ['a:1'] }, 'preload:\n      - a:1\n'],
    [{ caBundleSecretReferenceName: 'ca' }, 'caBundleSecretReferenceName: ca\n'],
    [{ authentication: { mode: 'Shared' } }, 'authentication:\n      mode: Shared\n'],
    [{ provider: 'ecr' }, 'provider: ecr\n'],
  ] as const) {
    const written = writeAddedConfig(cacheOf({ ...EXPRESSED, secretReferenceName: undefined, ...own })) ?? '';
    assert.ok(written.includes(text), written);
    assert.match(
      written,
      /- upstream: quay\.io\n {4}remoteURL: https:\/\/quay\.example\n {4}garbageCollection:\n {6}ttl: 1h0m0s\n/,
    );
    assert.doesNotMatch(written, /volume|proxy:|http:|highAvailability|Suffix|maxSize/);
  }
});

test('a limit of the size is one, beside the ttl', () => {
  const written = writeAddedConfig(cacheOf({ garbageCollection: { maxSize: '5Gi' } })) ?? '';
  assert.match(written, /garbageCollection:\n {6}ttl: 0s\n {6}maxSize: 5Gi\n/);
});

test('a file that is forced has the login', () => {
  const written = writeAddedConfig(cacheOf({ secretReferenceName: 'login' }), true) ?? '';
  assert.match(written, /secretReferenceName: login\n/);
});

test('property: the file is a valid configuration that means the cache', () => {
  let written = 0;
  fc.assert(
    fc.property(validRegistryConfig, (document) => {
      const { caches } = registryConfigSchema.parse(document);
      const wanted = parseRegistryConfig(document);
      assert.ok(wanted.ok);
      for (const [index, cache] of caches.entries()) {
        const text = writeAddedConfig(cache);
        if (text === undefined) continue;
        const read = parseRegistryConfig(text);
        assert.ok(read.ok, text);
        written += 1;
        assert.deepEqual(ownPart(read.config.caches[0]), ownPart(wanted.config.caches[index]));
      }
    }),
  );
  assert.ok(written > 50, `${written} files`);
});

test('handBack stands alone, or before the cache, and is not a field of the cache', () => {
  assert.equal(writeHandBack(undefined), 'handBack: true\n');
  const alone = parseAddedConfig(writeHandBack(undefined));
  assert.deepEqual(alone, { ok: true, config: { handBack: true, registryConfig: undefined } });
  const added = writeAddedConfig(cacheOf({ provider: 'ecr' })) ?? '';
  const [both, cacheAlone] = [parseAddedConfig(writeHandBack(added)), parseAddedConfig(added)];
  assert.ok(both.ok && cacheAlone.ok);
  assert.equal(both.config.handBack, true);
  assert.equal(cacheAlone.config.handBack, false);
  assert.deepEqual(both.config.registryConfig, cacheAlone.config.registryConfig);
  assert.equal(both.config.registryConfig?.caches[0]?.provider, 'ecr');
});

test('a handBack that is neither true nor false is a problem, beside those of the cache', () => {
  const read = parseAddedConfig('handBack: yes\nhandBack: 1\ncaches: 1\n');
  assert.ok(!read.ok);
  assert.deepEqual(
    read.problems.map(({ path, kind }) => `${path} ${kind}`),
    ['handBack RepeatedField', 'handBack Invalid', 'apiVersion Required', 'caches Undecodable'],
  );
  assert.equal(read.problems[1]?.text, 'handBack: Invalid value: 1: must be true or false');
  const off = parseAddedConfig('handBack: false');
  assert.deepEqual(off, { ok: true, config: { handBack: false, registryConfig: undefined } });
});

/** The effective cache without the settings of its Kubernetes objects. */
function ownPart(cache: object | undefined): object {
  const {
    volume: _1,
    proxy: _2,
    http: _3,
    highAvailability: _4,
    serviceNameSuffix: _5,
    ...own
  } = cache as Record<string, unknown>;
  return own;
}
