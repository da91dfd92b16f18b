import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runMain } from '../../test/cli/run-main.ts';
import { tempDir } from '../../test/kit/temp.ts';

const HEAD = { apiVersion: 'core.kyma-project.io/v1beta1', kind: 'RegistryCacheConfig' };

const kyma = (spec: object, name = 'hub', more: object = {}) => ({
  ...HEAD,
  metadata: { name, namespace: 'team', ...more },
  spec,
});

const convert = (...documents: readonly object[]) =>
  runMain(['convert', '-'], {}, documents.map((one) => `---\n${JSON.stringify(one)}\n`).join(''));

test('an object keeps its name, settings and Secret, and loses what only the cluster knows', async () => {
  const spec = {
    upstream: 'docker.io',
    remoteURL: 'https://registry-1.docker.io',
    volume: { size: '20Gi', storageClassName: 'fast' },
    garbageCollection: { ttl: '24h' },
    secretReferenceName: 'login',
    proxy: { httpProxy: 'http://proxy.example:3128' },
    http: { tls: false },
  };
  const { code, out, err } = await convert({
    ...kyma(spec, 'hub', {
      uid: 'x',
      labels: { team: 'a' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'b' },
    }),
    status: { state: 'Ready' },
  });
  assert.deepEqual([code, err], [0, '']);
  const checked = await runMain(['validate', '-'], {}, out);
  assert.equal(checked.out, '- is valid: 1 upstream (docker.io)\n');
  assert.equal(
    out,
    `---
apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryConfig
metadata:
  name: hub
  namespace: team
  labels:
    team: a
  annotations:
    note: b
spec:
  caches:
    - upstream: docker.io
      remoteURL: https://registry-1.docker.io
      volume:
        size: 20Gi
        storageClassName: fast
      garbageCollection:
        ttl: 24h
      secretReferenceName: login
      proxy:
        httpProxy: http://proxy.example:3128
      http:
        tls: false
`,
  );
});

test('several files, documents and lists are read, and a field without a counterpart is named', async () => {
  using files = tempDir();
  const list = { apiVersion: 'v1', kind: 'List', items: [kyma({ upstream: 'quay.io' }, 'q')] };
  const first = files.write('a.yaml', `${JSON.stringify(list)}\n---\n# nothing\n`);
  const second = files.write(
    'b.yaml',
    JSON.stringify(
      kyma({ upstream: 'ghcr.io', volume: { size: '1Gi', mode: 'x' }, serviceNameSuffix: 'y' }, 'g'),
    ),
  );
  const { code, out, err } = await runMain(['convert', first, second]);
  assert.equal(code, 0);
  assert.deepEqual(err.trimEnd().split('\n'), [
    `${second}: RegistryCacheConfig team/g: spec.volume.mode has no counterpart and is left out`,
    `${second}: RegistryCacheConfig team/g: spec.serviceNameSuffix has no counterpart and is left out`,
  ]);
  assert.equal(
    (await runMain(['validate', '-'], {}, out)).out,
    '- is valid: 2 upstreams (quay.io, ghcr.io)\n',
  );
});

test('one object that cannot be converted ends with every reason, and nothing is printed', async () => {
  const { code, out, err } = await convert(
    kyma({ upstream: 'docker.io' }),
    kyma({ upstream: 'docker.io', garbageCollection: { ttl: 'soon' } }, 'bad'),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } },
  );
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /-, document 2: RegistryCacheConfig team\/bad: spec\.garbageCollection\.ttl: /);
  assert.match(
    err,
    /-, document 3: expected a RegistryCacheConfig of core\.kyma-project\.io\/v1beta1, found "Secret" of "v1"/,
  );
  assert.equal((await runMain(['convert', '-'], {}, '')).code, 2);
});

test('whatever an object has, the result is valid or there is a reason', async () => {
  const text = fc.oneof(
    fc.constantFrom('docker.io', 'ghcr.io:443', '10Gi', '24h', 'https://a.example'),
    fc.string(),
  );
  const value = fc.oneof(text, fc.anything({ maxDepth: 1 }));
  const spec = fc.record(
    {
      upstream: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('docker.io', 'quay.io') }, value),
      remoteURL: value,
      volume: fc.oneof(fc.record({ size: value }, { requiredKeys: [] }), value),
      garbageCollection: fc.record({ ttl: value }, { requiredKeys: [] }),
      secretReferenceName: value,
      http: fc.record({ tls: fc.boolean() }, { requiredKeys: [] }),
      other: value,
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(spec, async (one) => {
      const { code, out, err } = await convert(JSON.parse(JSON.stringify(kyma(one))) as object);
      if (code === 0) assert.equal((await runMain(['validate', '-'], {}, out)).code, 0, out);
      else assert.ok(code === 2 && out === '' && err !== '');
    }),
    { numRuns: 200 },
  );
});

test('two objects with the same upstream are both printed, and named together with their places', async () => {
  const { code, out, err } = await convert(
    kyma({ upstream: 'docker.io' }, 'one'),
    kyma({ upstream: 'quay.io' }, 'other'),
    kyma({ upstream: 'docker.io' }, 'two'),
  );
  assert.equal(code, 0);
  assert.equal(out.match(/upstream: docker\.io/g)?.length, 2);
  const named =
    'docker.io is named by RegistryConfig team/one (-, document 1) and by RegistryConfig team/two (-, document 3): ' +
    'in a cluster the younger object gets the condition Conflict and no cache or mirror for it; remove it from one of them\n';
  assert.equal(err, named);
  const checked = await runMain(['validate', '-'], {}, out);
  assert.equal(checked.code, 2);
  assert.match(checked.err, /^spec\.caches\[0\]\.upstream: docker\.io is named by /m);
});
