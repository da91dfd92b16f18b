import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { secretWith } from '../../../test/gardener/ask-admission.ts';
import { credentialSecretProblems, type ReferencedSecret } from './secret-checks.ts';

const GHCR = { upstream: 'ghcr.io', remoteURL: 'https://ghcr.io' };
const OF = 'the referenced secret "garden-p/pull"';

/** A Secret as `kubectl create secret docker-registry --dry-run` makes it, and immutable. */
const dockerSecret = (content: unknown, more: ReferencedSecret = {}): ReferencedSecret =>
  secretWith(
    { '.dockerconfigjson': typeof content === 'string' ? content : JSON.stringify(content) },
    { type: 'kubernetes.io/dockerconfigjson', ...more },
  );
const problemsOf = (secret: ReferencedSecret, upstream = GHCR): string[] =>
  credentialSecretProblems(secret, 'garden-p/pull', upstream);

const login = { auth: Buffer.from('u:p').toString('base64') };

test('a Docker configuration with a login for the upstream is accepted', () => {
  for (const key of ['ghcr.io', 'https://ghcr.io/v1/'])
    assert.deepEqual(problemsOf(dockerSecret({ auths: { [key]: login } })), []);
  const hub = { upstream: 'docker.io', remoteURL: 'https://registry-1.docker.io' };
  const auths = { 'https://index.docker.io/v1/': { username: 'u', password: 'p' } };
  assert.deepEqual(problemsOf(dockerSecret({ auths }), hub), []);
});

test('it is refused if it may change, has other entries, or no login for the upstream', () => {
  const good = { auths: { 'ghcr.io': login } };
  assert.deepEqual(problemsOf(dockerSecret(good, { immutable: false })), [`${OF} should be immutable`]);
  const [only] = [`${OF} should have only the data entry ".dockerconfigjson"`];
  const more = secretWith(
    { '.dockerconfigjson': JSON.stringify(good), username: 'u' },
    { type: 'kubernetes.io/dockerconfigjson' },
  );
  assert.deepEqual(problemsOf(more), [only]);
  assert.deepEqual(problemsOf(dockerSecret('', { data: {} })), [only]);
  for (const auths of [{}, { 'quay.io': login }, { 'ghcr.io': {} }])
    assert.deepEqual(problemsOf(dockerSecret({ auths })), [
      `the data entry ".dockerconfigjson" in ${OF} has no login for "ghcr.io"`,
    ]);
});

test('it is refused if it cannot be read, without any of its text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), fc.constant('{"auths": "hush"}')), (text) => {
      for (const problem of problemsOf(dockerSecret(`${text} hush`))) {
        assert.equal(
          problem,
          `the data entry ".dockerconfigjson" in ${OF} is unusable: expected a Docker configuration, {"auths":{"<registry>":{...}}}`,
        );
      }
    }),
  );
});

test('an upstream whose URL no client can use is looked for by its name', () => {
  const upstream = { upstream: '1.2.3.999', remoteURL: 'https://1.2.3.999' };
  assert.deepEqual(problemsOf(dockerSecret({ auths: { '1.2.3.999': login } }), upstream), []);
});

test('a Secret of another type needs username and password', () => {
  const opaque = dockerSecret({ auths: { 'ghcr.io': login } }, { type: 'Opaque' });
  assert.deepEqual(problemsOf(opaque), [
    `${OF} should have only two data entries`,
    `missing "username" data entry in ${OF}`,
    `missing "password" data entry in ${OF}`,
  ]);
  assert.deepEqual(problemsOf({}), [`${OF} should be immutable`, ...problemsOf(opaque)]);
});
