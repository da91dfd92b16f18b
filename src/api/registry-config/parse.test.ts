import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { validRegistryConfig } from '../../../test/api/registry-configs.ts';
import { DEFAULT_REGISTRY_CONFIG } from './default.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import type { CacheConfig } from './effective.ts';
import type { Carrier } from '../document/parse-document.ts';
import { parseRegistryConfig } from './parse.ts';

const TYPE = { apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', kind: 'RegistryConfig' };

/** The lines a user sees for a document with these caches; empty when it is accepted. */
function complaints(...caches: unknown[]): string[] {
  const result = parseRegistryConfig({ ...TYPE, caches });
  return result.ok ? [] : problemsText(result.problems).split('\n');
}

function onlyCache(cache: object): CacheConfig {
  const result = parseRegistryConfig({ ...TYPE, caches: [{ upstream: 'ghcr.io', ...cache }] });
  assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
  const [first] = result.config.caches;
  assert.ok(first !== undefined);
  return first;
}

test('gives an entry that names only its upstream every default', () => {
  assert.deepEqual(onlyCache({}), {
    upstream: 'ghcr.io',
    remoteURL: 'https://ghcr.io',
    authentication: { mode: 'Caller', realm: 'Upstream', proofLifetimeMs: 300_000, outageGraceMs: 0 },
    freshness: { tagTTLMs: 30_000, staleIfErrorMs: 86_400_000 },
    garbageCollection: { ttlMs: 604_800_000, maxSizeBytes: undefined },
    volume: { size: '10Gi', storageClassName: undefined },
    secretReferenceName: undefined,
    credentials: [],
    provider: undefined,
    caBundleSecretReferenceName: undefined,
    proxy: { httpProxy: undefined, httpsProxy: undefined },
    http: { tls: true },
    highAvailability: { enabled: false },
    serviceNameSuffix: undefined,
    preload: [],
  });
});

test('reads every field', () => {
  const cache = onlyCache({
    upstream: 'registry.example.com:5000',
    remoteURL: 'http://10.0.0.1:5000/',
    authentication: { mode: 'Shared', realm: 'Cache', proofLifetime: '1m', outageGrace: '4h' },
    freshness: { tagTTL: '0s', staleIfError: '48h' },
    garbageCollection: { ttl: '336h', maxSize: '1.5Gi' },
    volume: { size: '10240Mi', storageClassName: 'fast' },
    secretReferenceName: 'main',
    credentials: [
      { repositories: ['team-a/*'], secretReferenceName: 'team-a' },
      { repositories: ['**'], provider: 'ecr' },
    ],
    caBundleSecretReferenceName: 'ca',
    proxy: { httpProxy: 'http://proxy:3128', httpsProxy: 'https://proxy:3129' },
    http: { tls: false },
    highAvailability: { enabled: true },
    serviceNameSuffix: 'static',
    preload: ['library/alpine:3.22'],
  });
  assert.deepEqual(cache, {
    upstream: 'registry.example.com:5000',
    remoteURL: 'http://10.0.0.1:5000/',
    authentication: { mode: 'Shared', realm: 'Cache', proofLifetimeMs: 60_000, outageGraceMs: 14_400_000 },
    freshness: { tagTTLMs: 0, staleIfErrorMs: 172_800_000 },
    garbageCollection: { ttlMs: 1_209_600_000, maxSizeBytes: 1_610_612_736 },
    volume: { size: '10Gi', storageClassName: 'fast' },
    secretReferenceName: 'main',
    credentials: [
      { repositories: ['team-a/*'], secretReferenceName: 'team-a', provider: undefined },
      { repositories: ['**'], secretReferenceName: undefined, provider: 'ecr' },
    ],
    provider: undefined,
    caBundleSecretReferenceName: 'ca',
    proxy: { httpProxy: 'http://proxy:3128', httpsProxy: 'https://proxy:3129' },
    http: { tls: false },
    highAvailability: { enabled: true },
    serviceNameSuffix: 'static',
    preload: ['library/alpine:3.22'],
  });
});

test('docker.io is reached at registry-1.docker.io', () => {
  assert.equal(onlyCache({ upstream: 'docker.io' }).remoteURL, 'https://registry-1.docker.io');
});

test('a configured credential of any kind makes the mode Shared', () => {
  const credentials = [{ repositories: ['a/*'], secretReferenceName: 'a' }];
  for (const credential of [{ secretReferenceName: 'creds' }, { credentials }, { provider: 'gcp' }]) {
    assert.equal(onlyCache(credential).authentication.mode, 'Shared');
  }
  assert.equal(onlyCache({ credentials: [] }).authentication.mode, 'Caller');
});

test('an empty garbageCollection turns the ttl off, and an empty http turns TLS off', () => {
  assert.equal(onlyCache({ garbageCollection: {} }).garbageCollection.ttlMs, 0);
  assert.equal(onlyCache({ http: {} }).http.tls, false);
});

test('null counts as left out, and a null entry as an empty one', () => {
  const cache = onlyCache({ garbageCollection: null, http: null, volume: { size: null }, remoteURL: null });
  assert.deepEqual(cache, onlyCache({}));
  assert.deepEqual(complaints(null), complaints({}));
});

test('the kind may be left out, the apiVersion may not', () => {
  const caches = [{ upstream: 'ghcr.io' }];
  assert.ok(parseRegistryConfig({ apiVersion: TYPE.apiVersion, caches }).ok);
  const result = parseRegistryConfig({ caches });
  assert.deepEqual(result.ok ? [] : result.problems.map((problem) => problem.text), [
    'apiVersion: Required value: must be "registry.extensions.gardener.cloud/v1alpha3"',
  ]);
});

test('a document of another kind is refused for its kind alone', () => {
  const result = parseRegistryConfig({
    apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1',
    kind: 'MirrorConfig',
    mirrors: [{}],
  });
  assert.deepEqual(result.ok ? [] : result.problems.map((problem) => problem.text), [
    'apiVersion: Unsupported value: "mirror.extensions.gardener.cloud/v1alpha1": ' +
      'supported values: "registry.extensions.gardener.cloud/v1alpha3"',
    'kind: Unsupported value: "MirrorConfig": supported values: "RegistryConfig"',
  ]);
});

test('caches may be empty when the shoot brings its own configuration', () => {
  const replication = { registryConfigReplication: { enabled: true } };
  assert.ok(parseRegistryConfig({ ...TYPE, ...replication }).ok);
  assert.deepEqual(complaints(), ['caches: Required value: at least one cache must be provided']);
});

/** One line each: an entry beside `upstream: ghcr.io`, and the whole complaint about it. */
const REFUSED: readonly [entry: object, complaint: string][] = [
  [{ remoteURL: '' }, `remoteURL: Invalid value: "": url must start with 'http://' or 'https://' scheme`],
  [
    { remoteURL: 'https://ghcr.io/v2' },
    'remoteURL: Invalid value: "https://ghcr.io/v2": url must not contain a path',
  ],
  [
    { remoteURL: 'https://1.2.3.999' },
    'remoteURL: Invalid value: "https://1.2.3.999": is neither a host name nor an IPv4 address that a URL can hold',
  ],
  [{ volume: { size: '-0.5' } }, 'volume.size: Invalid value: "-500m": must be greater than 0'],
  [{ garbageCollection: { ttl: '' } }, 'garbageCollection.ttl: time: invalid duration ""'],
  [{ garbageCollection: { ttl: null } }, 'garbageCollection.ttl: time: invalid duration ""'],
  [{ garbageCollection: { ttl: '7d' } }, 'garbageCollection.ttl: time: unknown unit "d" in duration "7d"'],
  [
    { garbageCollection: { ttl: '-1s' } },
    'garbageCollection.ttl: Invalid value: "-1s": ttl must be a non-negative duration',
  ],
  [
    { garbageCollection: { maxSize: 0 } },
    'garbageCollection.maxSize: Invalid value: "0": must be greater than 0',
  ],
  [
    { garbageCollection: { maxSize: true } },
    'garbageCollection.maxSize: must be a quantity such as "10Gi", found the boolean true',
  ],
  [
    { freshness: { tagTTL: '-1s' } },
    'freshness.tagTTL: Invalid value: "-1s": tagTTL must be a non-negative duration',
  ],
  [
    { freshness: { staleIfError: '-1h' } },
    'freshness.staleIfError: Invalid value: "-1h0m0s": staleIfError must be a non-negative duration',
  ],
  [
    { authentication: { proofLifetime: '-1ns' } },
    'authentication.proofLifetime: Invalid value: "-1ns": proofLifetime must be a non-negative duration',
  ],
  [
    { authentication: { outageGrace: '4h' } },
    'authentication.outageGrace: Invalid value: "4h0m0s": may be greater than 0 only with realm "Cache"',
  ],
  [
    { authentication: { mode: 'caller' } },
    'authentication.mode: Unsupported value: "caller": supported values: "Caller", "Shared"',
  ],
  [
    { authentication: { mode: 'Caller' }, secretReferenceName: 'creds' },
    'authentication.mode: Invalid value: "Caller": must be "Shared" or left out when secretReferenceName, credentials or ' +
      'provider is set',
  ],
  [{ provider: 'aws' }, 'provider: Unsupported value: "aws": supported values: "ecr", "gcp", "acr"'],
  [
    { provider: 'acr', secretReferenceName: 'creds' },
    'provider: Forbidden: may not be set together with secretReferenceName',
  ],
  [{ secretReferenceName: '' }, 'secretReferenceName: Invalid value: "": must not be empty'],
  [
    { secretReferenceName: '../etc' },
    `secretReferenceName: Invalid value: "../etc": must be a plain name, without '/'`,
  ],
  [
    { caBundleSecretReferenceName: '..' },
    `caBundleSecretReferenceName: Invalid value: "..": must be a plain name, without '/'`,
  ],
  [
    { credentials: [{ secretReferenceName: 'creds' }] },
    'credentials[0].repositories: Required value: at least one pattern must be provided',
  ],
  [
    { credentials: [{ repositories: [''], secretReferenceName: 'creds' }] },
    'credentials[0].repositories[0]: Invalid value: "": must be a repository pattern, without blanks or a scheme',
  ],
  [
    { credentials: [{ repositories: ['a'] }] },
    'credentials[0].secretReferenceName: Required value: a Secret or a provider must be given',
  ],
  [
    { credentials: [{ repositories: ['a'], secretReferenceName: 's', provider: 'ecr' }] },
    'credentials[0].provider: Forbidden: may not be set together with secretReferenceName',
  ],
  [
    { preload: [null] },
    'preload[0]: Invalid value: "": must be an image reference, without blanks or a scheme',
  ],
  [{ preload: ['a:1', 'a:1'] }, 'preload[1]: Duplicate value: "a:1"'],
  [{ remoteUrl: 'x' }, 'remoteUrl: unknown field "caches[0].remoteUrl" (did you mean "remoteURL"?)'],
  [
    { serviceNameSufix: 'x' },
    'serviceNameSufix: unknown field "caches[0].serviceNameSufix" (did you mean "serviceNameSuffix"?)',
  ],
  [{ http: { port: 1 } }, 'http.port: unknown field "caches[0].http.port" (known fields: tls)'],
  [{ http: { tls: 'yes' } }, 'http.tls: must be true or false, found a string'],
  [{ volume: [] }, 'volume: must be a map, found a list'],
];

for (const [entry, complaint] of REFUSED) {
  test(`refuses ${JSON.stringify(entry)}`, () => {
    assert.deepEqual(complaints({ upstream: 'ghcr.io', ...entry }), [`caches[0].${complaint}`]);
  });
}

test('an upstream may be configured once, and Services may not share a name', () => {
  assert.deepEqual(complaints({ upstream: 'ghcr.io' }, { upstream: 'ghcr.io' }), [
    'caches[1].upstream: Duplicate value: "ghcr.io"',
  ]);
  assert.deepEqual(
    complaints(
      { upstream: 'ghcr.io' },
      { upstream: 'quay.io', serviceNameSuffix: 'ghcr-io' },
      { upstream: 'gcr.io', serviceNameSuffix: 'ghcr-io' },
    ),
    [
      'caches[1].serviceNameSuffix: Invalid value: "ghcr-io": cannot collide with "ghcr.io" upstream',
      'caches[2].serviceNameSuffix: Duplicate value: "ghcr-io"',
      'caches[2].serviceNameSuffix: Invalid value: "ghcr-io": cannot collide with "ghcr.io" upstream',
    ],
  );
});

test('no problem hides another, and unreadable fields cause no second complaint', () => {
  const result = parseRegistryConfig({
    caches: [
      'ghcr.io',
      { upstream: 5, garbageCollection: { ttl: 7, maxSize: '-1' } },
      { upstream: 'quay.io', authentication: { realm: 'Cashe', outageGrace: '1h' }, foo: 1 },
      { upstream: 'A.io:0', credentials: [{ repositories: [7], provider: 'aws' }] },
    ],
    extra: null,
  });
  assert.deepEqual(result.ok ? [] : result.problems.map(({ path, kind }) => `${path} ${kind}`), [
    'apiVersion Required',
    'caches[0] Undecodable',
    'caches[1].upstream Undecodable',
    'caches[1].garbageCollection.ttl Undecodable',
    'caches[2].authentication.realm NotSupported',
    'caches[2].foo UnknownField',
    'caches[3].credentials[0].repositories[0] Undecodable',
    'caches[3].credentials[0].provider NotSupported',
    'extra UnknownField',
    'caches[1].garbageCollection.maxSize Invalid',
    'caches[3].upstream Invalid',
    'caches[3].upstream Invalid',
  ]);
});

test('user information of a URL is in no message', () => {
  const secret = 'hunter2';
  const urls = [
    `https://me:${secret}@ghcr.io`,
    `https://me:${secret}/@ghcr.io`,
    `me:${secret}@ghcr.io`,
    `x://${secret}@a b`,
  ];
  for (const url of urls) {
    const lines = complaints({
      upstream: url,
      remoteURL: url,
      proxy: { httpProxy: url, httpsProxy: url },
      preload: [url],
    });
    assert.ok(lines.length > 0);
    assert.ok(!lines.join('\n').includes(secret), lines.join('\n'));
  }
});

test('a text is read as YAML or as JSON', () => {
  const yaml = `
apiVersion: registry.extensions.gardener.cloud/v1alpha3
caches:
- &common
  upstream: ghcr.io
  volume: {size: 20Gi}
- <<: *common
  upstream: quay.io
`;
  const result = parseRegistryConfig(yaml);
  assert.ok(result.ok);
  assert.deepEqual(
    result.config.caches.map((cache) => [cache.upstream, cache.volume.size]),
    [
      ['ghcr.io', '20Gi'],
      ['quay.io', '20Gi'],
    ],
  );
  assert.ok(
    parseRegistryConfig(JSON.stringify({ ...TYPE, caches: [{ upstream: 'ghcr.io' }] }, null, '\t')).ok,
  );
});

test('a field that stands twice is refused with its line, together with everything else', () => {
  const yaml = `apiVersion: registry.extensions.gardener.cloud/v1alpha3
caches:
- upstream: ghcr.io
  upstream: quay.io
  foo: 1
`;
  const result = parseRegistryConfig(yaml);
  assert.equal(
    result.ok ? '' : problemsText(result.problems),
    'caches[0].upstream: duplicate field "caches[0].upstream" (again in line 4)\n' +
      'caches[0].foo: unknown field "caches[0].foo" (known fields: upstream, remoteURL, authentication, freshness, ' +
      'garbageCollection, volume, secretReferenceName, credentials, provider, caBundleSecretReferenceName, proxy, http, ' +
      'highAvailability, serviceNameSuffix, preload)',
  );
});

/** Texts that are no document, and how the complaint about `larder.yaml` begins. */
const NO_DOCUMENT: readonly [text: string, complaint: string][] = [
  ['', 'larder.yaml: expected a RegistryConfig document, found nothing'],
  ['# nothing yet', 'larder.yaml: expected a RegistryConfig document, found nothing'],
  ['just words', 'larder.yaml: expected a RegistryConfig document, found a string'],
  ['- a', 'larder.yaml: expected a RegistryConfig document, found a list'],
  ['a: [', 'larder.yaml: line 1, column 5: '],
  ['a: 1\n---\nb: 1\n', 'larder.yaml: line 2, column 1: expected one document, found several'],
  ['a: !secret x', 'larder.yaml: line 1, column 4: Unresolved tag: !secret'],
  ['a: *nowhere', 'larder.yaml: '],
  ['['.repeat(100_000), 'larder.yaml: '],
];

for (const [text, complaint] of NO_DOCUMENT) {
  test(`says where ${JSON.stringify(text.slice(0, 20))} stops being a document`, () => {
    const result = parseRegistryConfig(text, { source: 'larder.yaml' });
    assert.ok(!result.ok);
    assert.equal(problemsText(result.problems).slice(0, complaint.length), complaint);
  });
}

test('the built-in list has the seven public registries', () => {
  assert.deepEqual(
    DEFAULT_REGISTRY_CONFIG.caches.map((cache) => cache.upstream),
    ['docker.io', 'registry.k8s.io', 'ghcr.io', 'quay.io', 'gcr.io', 'mcr.microsoft.com', 'public.ecr.aws'],
  );
});

test('the effective configuration cannot be changed', () => {
  const [cache] = DEFAULT_REGISTRY_CONFIG.caches;
  assert.ok(cache !== undefined && Object.isFrozen(DEFAULT_REGISTRY_CONFIG.caches));
  assert.ok(Object.isFrozen(cache) && Object.isFrozen(cache.freshness) && Object.isFrozen(cache.preload));
});

/** A valid document of which one value, at any depth, is replaced by any other. */
const damagedDocument = fc
  .tuple(validRegistryConfig, fc.jsonValue(), fc.nat())
  .map(([document, value, seed]) => replaced(document, value, seed));

function replaced(document: unknown, value: unknown, seed: number): unknown {
  if (typeof document !== 'object' || document === null || seed % 5 === 0) return value;
  const keys = Object.keys(document);
  const key = keys[seed % Math.max(keys.length, 1)] ?? 'stray';
  const below = (document as Record<string, unknown>)[key];
  const copy: Record<string, unknown> | unknown[] = Array.isArray(document) ? [...document] : { ...document };
  return Object.assign(copy, { [key]: replaced(below, value, Math.floor(seed / 7)) });
}

test('any value gives either a configuration or problems', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), damagedDocument, fc.anything()), (input) => {
      const result = parseRegistryConfig(input);
      if (result.ok) return;
      assert.ok(result.problems.length > 0);
      for (const problem of result.problems) assert.ok(problem.text.endsWith(problem.message));
    }),
    { numRuns: 500 },
  );
});

test('the input is left as it was', () => {
  fc.assert(
    fc.property(damagedDocument, (input) => {
      const before = JSON.stringify(input);
      parseRegistryConfig(input);
      assert.equal(JSON.stringify(input), before);
    }),
  );
});

test('any text gives either a configuration or problems', () => {
  const yamlish = fc.array(
    fc.constantFrom(
      'caches',
      ':',
      ' ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      '&a',
      '*a',
      '<<',
      '!x',
      '---',
      '# ',
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        yamlish.map((parts) => parts.join('')),
      ),
      (text) => {
        const result = parseRegistryConfig(text);
        assert.ok(result.ok || result.problems.length > 0);
      },
    ),
    { numRuns: 500 },
  );
});

describe('in a Shoot', () => {
  const parsed = (cache: object, carrier: Carrier) => {
    const result = parseRegistryConfig({ ...TYPE, caches: [{ upstream: 'a.io', ...cache }] }, { carrier });
    return result.ok ? [] : result.problems.map(({ path }) => path);
  };

  test('the rules for fields of the Gardener extension are no stricter than its own', () => {
    const odd = {
      upstream: '1.2.3.999',
      remoteURL: 'https://1.2.3.4.5',
      proxy: { httpProxy: 'http://a.1', httpsProxy: 'http://a.2' },
      secretReferenceName: '../x',
      caBundleSecretReferenceName: '',
    };
    assert.deepEqual(parsed(odd, 'Shoot'), []);
    assert.deepEqual(parsed(odd, 'Object'), [
      'caches[0].upstream',
      'caches[0].remoteURL',
      'caches[0].proxy.httpProxy',
      'caches[0].proxy.httpsProxy',
      'caches[0].secretReferenceName',
      'caches[0].caBundleSecretReferenceName',
    ]);
  });

  test('no cache has a cloud login', () => {
    const credentials = [{ repositories: ['a'], provider: 'gcp', secretReferenceName: 'x' }];
    const paths = ['caches[0].provider', 'caches[0].credentials[0].provider'];
    assert.deepEqual(parsed({ provider: 'ecr', credentials }, 'Shoot'), paths);
    assert.deepEqual(parsed({ provider: 'ecr', credentials }, 'Object'), paths.slice(1));
  });
});
