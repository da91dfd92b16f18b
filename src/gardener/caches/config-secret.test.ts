import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDistributionConfig } from '../../api/distribution-config/parse.ts';
import { parseRegistryConfig } from '../../api/registry-config/parse.ts';
import { registryConfigSchema, type CacheDocument } from '../../api/registry-config/schema.ts';
import { configSecret } from './config-secret.ts';
import { referencedCopies, type ReferencedSecrets } from './referenced-secrets.ts';

const RESOURCES = ['login', 'team', 'ca', 'strange name/../x'].map((name, index) => ({
  name,
  resourceRef: { kind: 'Secret', name: `s${index}` },
}));

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function secretsOf(...contents: Record<string, string>[]): ReferencedSecrets {
  const encoded = (content: Record<string, string>) =>
    Object.fromEntries(Object.entries(content).map(([key, text]) => [key, base64(text)]));
  return {
    resources: RESOURCES,
    copies: new Map(contents.map((content, index) => [`ref-s${index}`, encoded(content)])),
  };
}

const LOGIN = { username: '@user', password: "It's 12 o'clock" };
const SECRETS = secretsOf(LOGIN, { '.dockerconfigjson': '{}' }, { 'bundle.crt': 'PEM' }, LOGIN);

function cacheOf(fields: object = {}): CacheDocument {
  const [cache] = registryConfigSchema.parse({ caches: [{ upstream: 'quay.io', ...fields }] }).caches;
  return cache as CacheDocument;
}

/** The files that a pod has of the Secret. */
function filesOf(fields: object, secrets = SECRETS, handBack = false): Record<string, string> {
  const { data } = configSecret(cacheOf(fields), secrets, handBack);
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  return Object.fromEntries(decoded) as Record<string, string>;
}

function loginIn(files: Record<string, string>): unknown {
  const result = parseDistributionConfig(files['config.yml'] ?? '');
  assert.ok(result.ok);
  return result.config.login;
}

describe('a cache that gives its store back', () => {
  test('says so in the second file alone, and Distribution can run from the first one as before', () => {
    const before = filesOf({ secretReferenceName: 'login' });
    const files = filesOf({ secretReferenceName: 'login' }, SECRETS, true);
    assert.deepEqual(files, { ...before, 'larder.yaml': 'handBack: true\n' });
  });

  test('keeps its own settings, with the entries of their Secrets', () => {
    const fields = { caBundleSecretReferenceName: 'ca', preload: ['a:1'] };
    const before = filesOf(fields);
    const files = filesOf(fields, SECRETS, true);
    assert.equal(before['ca.bundle.crt'], 'PEM');
    assert.deepEqual(files, { ...before, 'larder.yaml': `handBack: true\n${before['larder.yaml']}` });
  });

  test('has a Secret of another name, so that its pod is replaced', () => {
    const name = (handBack: boolean) => configSecret(cacheOf(), SECRETS, handBack).metadata.name;
    assert.notEqual(name(true), name(false));
    assert.equal(name(true), name(true));
  });
});

describe("Distribution's file", () => {
  test('stands alone for a cache that it has words for', () => {
    const files = filesOf({ secretReferenceName: 'login', garbageCollection: { ttl: '1us' } });
    assert.deepEqual(Object.keys(files), ['config.yml']);
    assert.deepEqual(loginIn(files), LOGIN);
    assert.match(files['config.yml'] ?? '', /^ {2}ttl: "1µs"$/m);
  });

  test('names the certificate only for a cache that serves https', () => {
    assert.match(filesOf({})['config.yml'] ?? '', /certificate: "\/etc\/distribution\/certs\/tls.crt"/);
    assert.doesNotMatch(filesOf({ http: { tls: false } })['config.yml'] ?? '', /tls/);
  });

  test('has no login if a part is missing or empty, and one without the line break at its end', () => {
    const login = (content: Record<string, string>) =>
      loginIn(filesOf({ secretReferenceName: 'login' }, secretsOf(content)));
    for (const half of [{ username: 'u' }, { password: 'p' }, { username: '', password: 'p' }])
      assert.equal(login(half as Record<string, string>), undefined);
    assert.deepEqual(login({ username: 'u\n', password: 'a\nb\r\n' }), { username: 'u', password: 'a\nb' });
  });
});

describe("Larder's file", () => {
  const added = (files: Record<string, string>) => {
    const result = parseRegistryConfig(files['larder.yaml'] ?? '');
    assert.ok(result.ok);
    return result.config.caches[0];
  };

  test('comes with the entries of the Secrets that it names', () => {
    const files = filesOf({
      secretReferenceName: 'login',
      credentials: [{ repositories: ['team/*'], secretReferenceName: 'team' }],
      caBundleSecretReferenceName: 'ca',
    });
    assert.deepEqual(Object.keys(files).toSorted(), [
      'ca.bundle.crt',
      'config.yml',
      'larder.yaml',
      'login.password',
      'login.username',
      'team..dockerconfigjson',
    ]);
    assert.equal(added(files)?.credentials[0]?.secretReferenceName, 'team');
    assert.deepEqual(loginIn(files), LOGIN, 'Distribution runs from it too');
  });

  test('has a login of another form than name and password', () => {
    const files = filesOf({ secretReferenceName: 'team' });
    assert.deepEqual(Object.keys(files), ['config.yml', 'larder.yaml', 'team..dockerconfigjson']);
    assert.deepEqual([added(files)?.authentication.mode, loginIn(files)], ['Shared', undefined]);
  });

  test('gives a reference that can be no key of a Secret another name', () => {
    const files = filesOf({ secretReferenceName: 'strange name/../x', preload: ['a:1'] });
    const name = added(files)?.secretReferenceName ?? '';
    assert.match(name, /^ref-[0-9a-f]{8}$/);
    assert.equal(files[`${name}.username`], LOGIN.username);
  });
});

describe('a reference', () => {
  test('that leads nowhere is reported in the words of the Go extension', () => {
    const other = [{ name: 'map', resourceRef: { kind: 'ConfigMap', name: 'm' } }];
    for (const [fields, message] of [
      [{ secretReferenceName: 'x' }, 'failed to find referenced resource with name x and kind Secret'],
      [{ secretReferenceName: '' }, 'failed to find referenced resource with name  and kind Secret'],
      [{ secretReferenceName: 'map' }, 'failed to find referenced resource with name map and kind Secret'],
      [{ caBundleSecretReferenceName: 'ca' }, 'failed to read referenced secret ref-s2 for reference ca'],
    ] as const) {
      const secrets = { resources: [...RESOURCES, ...other], copies: new Map() };
      assert.throws(() => configSecret(cacheOf(fields), secrets), { code: 'CONFIG_INVALID', message });
    }
  });

  test('says which Secrets have to be read, each once', () => {
    const caches = [
      cacheOf({ secretReferenceName: 'login', caBundleSecretReferenceName: 'ca' }),
      cacheOf({ credentials: [{ repositories: ['a'], secretReferenceName: 'login' }] }),
      cacheOf({ secretReferenceName: 'nowhere' }),
    ];
    assert.deepEqual(referencedCopies(caches, RESOURCES), ['ref-s0', 'ref-s2']);
    const twice = [{ name: 'login', resourceRef: { kind: 'ConfigMap', name: 'm' } }, ...RESOURCES];
    assert.deepEqual(referencedCopies(caches, twice), ['ref-s2'], 'of one name the first counts');
  });
});

test('another content has another name, and so rolls the pod', () => {
  const nameOf = (fields: object, secrets?: ReferencedSecrets) =>
    configSecret(cacheOf(fields), secrets ?? SECRETS).metadata.name;
  assert.match(nameOf({}), /^registry-quay-io-config-[0-9a-f]{8}$/);
  const names = [
    nameOf({}),
    nameOf({ remoteURL: 'https://q.example' }),
    nameOf({ preload: ['a:1'] }),
    nameOf({ secretReferenceName: 'login' }),
    nameOf({ secretReferenceName: 'login' }, secretsOf({ username: 'u', password: 'p' })),
  ];
  assert.equal(new Set(names).size, names.length);
  assert.equal(nameOf({ volume: { size: '1Gi' }, highAvailability: { enabled: true } }), nameOf({}));
});
