import assert from 'node:assert/strict';
import { rootCertificates } from 'node:tls';
import { describe, test } from 'node:test';
import {
  askAdmission,
  registryConfigWith,
  secretWith,
  type AskOptions,
  type ShootDraft,
} from '../../../test/gardener/ask-admission.ts';
import { KubeError } from '../../kube/kube-error.ts';

const PREFIX = 'spec.extensions[0].providerConfig';

/** The message, with `…` for the path of the `providerConfig`. */
async function answerTo(shoot: ShootDraft, options?: AskOptions): Promise<string> {
  return (await askAdmission('cache', shoot, options)).answer.replaceAll(PREFIX, '…');
}

describe('two upstreams whose objects would have one name', () => {
  const [dotted, dashed] = [{ upstream: 'a.b.io' }, { upstream: 'a-b.io' }];
  const clash = (index: number, upstream: string, owner: string) =>
    `….caches[${index}].upstream: Invalid value: "${upstream}": cannot collide with "${owner}" upstream: ` +
    'the objects of both would be named "registry-a-b-io"';

  test('are refused in a new Shoot, the later one, also with a serviceNameSuffix', async () => {
    assert.equal(await answerTo({ caches: [dotted, dashed] }), clash(1, 'a-b.io', 'a.b.io'));
    assert.equal(await answerTo({ caches: [dashed, dotted] }), clash(1, 'a.b.io', 'a-b.io'));
    const named = { ...dashed, serviceNameSuffix: 'other' };
    assert.equal(await answerTo({ caches: [dotted, named] }), clash(1, 'a-b.io', 'a.b.io'));
  });

  test('are refused in a change that brings them together', async () => {
    const caches = [{ upstream: 'docker.io' }, dotted, dashed];
    for (const old of [[], [dotted], [dashed]])
      assert.equal(await answerTo({ caches }, { old: { caches: old } }), clash(2, 'a-b.io', 'a.b.io'));
  });

  test('are left alone in a Shoot that had them, whatever else changes', async () => {
    const old = { caches: [dotted, dashed] };
    for (const caches of [
      [dotted, dashed],
      [dashed, dotted],
      [dotted, { ...dashed, http: {} }],
      [{ upstream: 'c.io' }, dotted, dashed],
    ]) {
      assert.equal(await answerTo({ caches }, { old }), 'allowed');
    }
  });

  test('are not the same upstream twice', async () => {
    assert.equal(
      await answerTo({ caches: [dotted, dotted] }),
      '….caches[1].upstream: Duplicate value: "a.b.io"',
    );
  });
});

describe('configuration from inside the shoot', () => {
  const registryConfig = registryConfigWith({ registryConfigReplication: { enabled: true } });

  test('needs no caches in the Shoot', async () => {
    assert.equal(await answerTo({ registryConfig }), 'allowed');
    const off = registryConfigWith({ registryConfigReplication: { enabled: false } });
    assert.equal(
      await answerTo({ registryConfig: off }),
      '….caches: Required value: at least one cache must be provided',
    );
  });

  test('needs Kubernetes 1.29', async () => {
    for (const kubernetes of ['1.29.0', '1.29', 'v1.30.1', '1.100.0', '2.0.0'])
      assert.equal(await answerTo({ registryConfig, kubernetes }), 'allowed', kubernetes);
    for (const kubernetes of ['1.28.15', '1.9.0', '1.2', '0.30.0', '', 'latest']) {
      assert.equal(
        await answerTo({ registryConfig, kubernetes }),
        '….registryConfigReplication.enabled: Forbidden: RegistryConfig objects in the shoot need Kubernetes 1.29 or newer, but ' +
          `spec.kubernetes.version is "${kubernetes}"; update Kubernetes first, or set this to false`,
      );
    }
  });

  test('is the only place for cloud logins', async () => {
    const why =
      "Forbidden: a Shoot's caches have no cloud identity of their own: turn on registryConfigReplication and create a " +
      'RegistryConfig with this provider in the shoot';
    const credentials = [{ repositories: ['a/*'], provider: 'acr' }];
    for (const provider of ['ecr', 'gcp', 'acr']) {
      const caches = [{ upstream: 'a.io', provider }];
      assert.equal(await answerTo({ caches }), `….caches[0].provider: ${why}`);
    }
    const config = registryConfigWith({
      caches: [{ upstream: 'a.io', credentials }],
      registryConfigReplication: { enabled: true },
    });
    assert.equal(await answerTo({ registryConfig: config }), `….caches[0].credentials[0].provider: ${why}`);
  });
});

test("the problems of Larder's own fields follow those of the extension for the same entry", async () => {
  const caches = [
    { upstream: 'A.io', freshness: { tagTTL: '-1s' }, serviceNameSuffix: 'a.b' },
    { upstream: 'B.io', preload: [''] },
  ];
  const paths = (await answerTo({ caches })).matchAll(/….caches\[(\d)\]\.([a-zA-Z.]+)/g);
  assert.deepEqual(
    [...paths].map(([, index, field]) => `${index} ${field}`),
    ['0 upstream', '0 serviceNameSuffix', '0 freshness.tagTTL', '1 upstream', '1 preload'],
  );
});

test('what the extension accepts is accepted, also where Larder wants more of an object of its own', async () => {
  const caches = [
    { upstream: '1.2.3.999', remoteURL: 'https://1.2.3.4.5', proxy: { httpProxy: 'http://a.999' } },
  ];
  assert.equal(await answerTo({ caches }), 'allowed');
});

describe('an update', () => {
  test('is accepted without a look at anything if the configuration means the same', async () => {
    const caches = [{ upstream: 'A.io', secretReferenceName: 'nope', volume: { size: '10240Mi' } }];
    const [same] = caches;
    const written = [{ ...same, volume: { size: '10Gi' }, garbageCollection: { ttl: '10080m' }, http: null }];
    assert.equal(await answerTo({ caches: written }, { old: { caches } }), 'allowed');
    const empty = registryConfigWith({});
    assert.equal(await answerTo({ caches: [] }, { old: { registryConfig: empty } }), 'allowed');
  });

  test('is checked again for an empty proxy or highAvailability, as the extension does', async () => {
    const caches = [{ upstream: 'A.io' }];
    for (const field of ['proxy', 'highAvailability']) {
      const changed = [{ upstream: 'A.io', [field]: {} }];
      assert.match(
        await answerTo({ caches: changed }, { old: { caches } }),
        /^….caches\[0\].upstream: Invalid/,
      );
    }
  });

  test('may not give up a storage class', async () => {
    const old = { caches: [{ upstream: 'a.io', volume: { storageClassName: 'fast' } }] };
    assert.equal(
      await answerTo({ caches: [{ upstream: 'a.io' }] }, { old }),
      '….caches[0].volume.storageClassName: Invalid value: null: field is immutable',
    );
  });

  test('prints a storage class as JSON, which the extension does for its immutable fields', async () => {
    const old = { caches: [{ upstream: 'a.io' }] };
    const caches = [{ upstream: 'a.io', volume: { storageClassName: 'a<\u0000"\u2028' } }];
    assert.ok(
      (await answerTo({ caches }, { old })).startsWith(
        String.raw`[….caches[0].volume.storageClassName: Invalid value: "a\u003c\u0000\"\u2028": field is immutable, `,
      ),
    );
  });

  test('is refused if the old configuration is missing or unreadable', async () => {
    const caches = [{ upstream: 'a.io' }];
    assert.equal(
      await answerTo({ caches }, { old: { registryConfig: null } }),
      'providerConfig is not available on old Shoot',
    );
    assert.equal(
      await answerTo({ caches }, { old: { caches: [{ bad: 1 }] } }),
      'failed to decode providerConfig: strict decoding error: unknown field "caches[0].bad"',
    );
  });
});

describe('a document', () => {
  test('has each field once, also the old one', async () => {
    const caches = [{ upstream: 'a.io', volume: { size: '1Gi' } }];
    const rewrite = (review: string) => review.replace('"size":', '"size":"2Gi","\\u0073ize":');
    const answer =
      'failed to decode providerConfig: strict decoding error: duplicate field "caches[0].volume.size"';
    assert.equal(await answerTo({ caches }, { rewrite }), answer);
    const last = (review: string) => review.replace(/(.*)"size":/s, '$1"size":"2Gi","size":');
    assert.equal(await answerTo({ caches }, { old: { caches }, rewrite: last }), answer);
    const outside = (review: string) => review.replace('"region":', '"region":"x","region":');
    assert.equal(await answerTo({ caches }, { rewrite: outside }), 'allowed');
  });

  test('names its kind and version', async () => {
    const caches = [{ upstream: 'a.io' }];
    const missing = 'failed to decode providerConfig: apiVersion: Required value: must be';
    assert.ok((await answerTo({ registryConfig: { caches } })).startsWith(missing));
    // The extension reads these names as those of its own Go type, and its controller fails afterwards.
    const internal = { kind: 'RegistryConfig', Caches: [{ Upstream: 'a.io' }] };
    assert.ok((await answerTo({ registryConfig: internal })).startsWith(missing));
    for (const registryConfig of [
      { kind: 'Foo', apiVersion: 7 },
      { kind: 7 },
      { apiVersion: 'v1', kind: null },
    ])
      assert.match(
        await answerTo({ registryConfig }),
        /^failed to decode providerConfig: .*(kind|apiVersion)/,
      );
  });

  test('without content is reported for its missing list alone', async () => {
    for (const registryConfig of [{}, { kind: 'RegistryConfig' }, { apiVersion: null, kind: '' }]) {
      assert.equal(
        await answerTo({ registryConfig }),
        '….caches: Required value: at least one cache must be provided',
      );
    }
  });

  test('names at most 100 unknown fields', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, 0]));
    const answer = await answerTo({ caches: [{ upstream: 'a.io', ...unknown }] });
    assert.equal(answer.split(', ').length, 100);
  });

  test('may have a field of any name', async () => {
    const registryConfig = JSON.parse(
      '{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "caches": [], "__proto__": {"caches": [1]}}',
    ) as object;
    assert.equal(
      await answerTo({ registryConfig }),
      'failed to decode providerConfig: strict decoding error: unknown field "__proto__"',
    );
  });
});

describe('Secrets', () => {
  const login = secretWith({ username: 'u', password: 'p' });
  const bundle = secretWith({ 'bundle.crt': rootCertificates[0] ?? '' });

  test('of every reference are looked up in order, each Secret once', async () => {
    const caches = [
      {
        upstream: 'a.io',
        caBundleSecretReferenceName: 'ca',
        credentials: [
          { repositories: ['a/*'], secretReferenceName: 'other' },
          { repositories: ['b/*'], secretReferenceName: 'main' },
        ],
        secretReferenceName: 'main',
      },
      { upstream: 'b.io', secretReferenceName: 'main' },
    ];
    const resources = { main: 'main-v1', other: 'other-v1', ca: 'ca-v1' };
    const secrets = { 'main-v1': login, 'other-v1': login, 'ca-v1': bundle };
    const { answer, reads } = await askAdmission('cache', { caches, resources }, { secrets });
    assert.equal(answer, 'allowed');
    assert.deepEqual(reads, ['garden-p/main-v1', 'garden-p/other-v1', 'garden-p/ca-v1']);

    assert.equal(
      await answerTo({ caches: caches.slice(0, 1) }),
      `[${[
        ['secretReferenceName', 'main'],
        ['credentials[0].secretReferenceName', 'other'],
        ['credentials[1].secretReferenceName', 'main'],
        ['caBundleSecretReferenceName', 'ca'],
      ]
        .map(
          ([field, name]) =>
            `….caches[0].${field}: Invalid value: "${name}": failed to find referenced resource with name ${name} and kind Secret`,
        )
        .join(', ')}]`,
    );
  });

  test('with a CA bundle of the upstream are read as those of mirrors, and all their certificates are valid', async () => {
    const shoot = {
      caches: [{ upstream: 'a.io', caBundleSecretReferenceName: 'ca' }],
      resources: { ca: 'ca-v1' },
    };
    const answer = (secret: typeof bundle) => answerTo(shoot, { secrets: { 'ca-v1': secret } });
    const path = '….caches[0].caBundleSecretReferenceName: Invalid value: "ca":';
    assert.equal(await answer(bundle), 'allowed');
    assert.equal(
      await answer({ ...bundle, immutable: false }),
      `${path} the referenced CA bundle secret "garden-p/ca-v1" should be immutable`,
    );
    const damaged = `${rootCertificates[0]}\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`;
    assert.equal(
      await answer(secretWith({ 'bundle.crt': damaged })),
      `${path} the CA bundle is not a valid PEM-encoded certificate`,
    );
    assert.equal(
      await answerTo(shoot),
      'failed to get secret garden-p/ca-v1 for caBundleSecretReferenceName ca: secrets "ca-v1" not found',
    );
  });

  test('that cannot be read for another reason are reported with it, and other errors are not swallowed', async () => {
    const shoot = { caches: [{ upstream: 'A.io', secretReferenceName: 'main' }], resources: { main: 'v1' } };
    const refused = new KubeError('get secrets garden-p/v1: not allowed (403 Forbidden)', {
      httpStatus: 403,
      reason: 'Forbidden',
    });
    assert.equal(
      await answerTo(shoot, { secrets: { v1: refused } }),
      'failed to get secret garden-p/v1 for secretReferenceName main: get secrets garden-p/v1: not allowed (403 Forbidden)',
    );
    await assert.rejects(answerTo(shoot, { secrets: { v1: new Error('bug') } }), /bug/);
  });

  test('are read again under an unchanged configuration if a reference leads to another one, and only those', async () => {
    const caches = [
      { upstream: 'a.io', secretReferenceName: 'a' },
      { upstream: 'b.io', secretReferenceName: 'b', caBundleSecretReferenceName: 'ca' },
    ];
    const resources = { a: 'a-v1', b: 'b-v1', ca: 'ca-v1' };
    const old = { caches, resources };
    const change = (now: Record<string, string>, secrets: AskOptions['secrets'] = {}) =>
      askAdmission('cache', { caches, resources: now }, { old, secrets });

    assert.deepEqual(await change(resources), { answer: 'allowed', reads: [] });
    assert.deepEqual(await change({ more: 'x', ...resources }), { answer: 'allowed', reads: [] });
    assert.deepEqual(await change({ ...resources, b: 'b-v2' }, { 'b-v2': login }), {
      answer: 'allowed',
      reads: ['garden-p/b-v2'],
    });
    assert.deepEqual(await change({ ...resources, ca: 'ca-v2' }), {
      answer:
        'failed to get secret garden-p/ca-v2 for caBundleSecretReferenceName ca: secrets "ca-v2" not found',
      reads: ['garden-p/ca-v2'],
    });
    assert.deepEqual(await change({ b: 'b-v1', ca: 'ca-v1' }), {
      answer: `${PREFIX}.caches[0].secretReferenceName: Invalid value: "a": failed to find referenced resource with name a and kind Secret`,
      reads: [],
    });
  });
});

describe('a Shoot that is made to be work', () => {
  test('is refused without a list of problems if its providerConfig has more than 10 000 values', async () => {
    const refusal = 'failed to decode providerConfig: expected at most 10000 values, found more';
    const many = (entry: unknown, count: number) => Array.from({ length: count }, () => entry);
    for (const caches of [many({}, 10_000), many(0, 10_000), many([[0]], 4000)])
      assert.equal(await answerTo({ caches }), refusal);
    assert.match(
      await answerTo({ caches: many({ upstream: 'a.io' }, 4000) }),
      /^\[….caches\[1\].upstream: Dup/,
    );
  });

  test('stops at the end of its time while Secrets are checked, and lets other requests have their turn', async () => {
    const secrets = { v1: secretWith({ username: 'u', password: 'p' }) };
    const caches = Array.from({ length: 3000 }, (_, index) => ({
      upstream: `a${index}.io`,
      secretReferenceName: 'a',
    }));
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('late')));
    const shoot = { caches, resources: { a: 'v1' } };
    await assert.rejects(answerTo(shoot, { secrets, signal: stop.signal }), /late/);
  });
});
