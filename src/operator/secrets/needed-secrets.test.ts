import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { configOf } from '../../../test/cache/target.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { readNeededSecrets } from './needed-secrets.ts';

const { signal } = new AbortController();
const [GOOD = '', OTHER = ''] = rootCertificates;

/** Problems of these Secrets in the namespace `team`. `secrets` has their contents as text. */
async function judge(cache: object, secrets: Readonly<Record<string, Record<string, string>>>) {
  const config = configOf({ upstream: 'docker.io', ...cache }).caches[0] as CacheConfig;
  const { missing, invalid, caBundleProblem } = await readNeededSecrets(
    {
      async read({ name }) {
        const texts = secrets[name];
        if (texts === undefined) return undefined;
        const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
        return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: Object.fromEntries(data) as {} };
      },
    },
    config,
    'team',
    signal,
  );
  return { missing, invalid, caBundleProblem };
}

describe('the Secret of a login', () => {
  const logins = (login: Record<string, string>) => judge({ secretReferenceName: 'login' }, { login });

  test('is valid with a username and a password, or as an imagePullSecret, with any other entries', async () => {
    for (const login of [
      { username: 'u', password: 'p', more: 'x' },
      { username: 'u\n', password: 'p\n' },
      { '.dockerconfigjson': '{}' },
      { '.dockerconfigjson': '{}', username: '', password: 'p' },
    ])
      assert.deepEqual(await logins(login), { missing: [], invalid: [], caBundleProblem: undefined });
  });

  test('that cannot be used is reported as missing, in the words of the Gardener extension', async () => {
    const { missing } = await judge({ secretReferenceName: 'login' }, {});
    assert.deepEqual(missing, [
      'failed to get secret team/login for secretReferenceName login: secrets "login" not found',
    ]);
    assert.deepEqual((await logins({ other: 'x' })).missing, [
      'missing "username" data entry in the referenced secret "team/login"',
      'missing "password" data entry in the referenced secret "team/login"',
    ]);
    assert.deepEqual((await logins({ username: '\n', password: 'p' })).missing, [
      'the data entry "username" in the referenced secret "team/login" is empty',
    ]);
  });

  test('that can be used but that the Gardener extension would refuse is reported as invalid', async () => {
    assert.deepEqual(await logins({ username: 'a b', password: 'p' }), {
      missing: [],
      invalid: ['the data entry "username" in the referenced secret "team/login" contains whitespace'],
      caBundleProblem: undefined,
    });
    const password = JSON.stringify({ type: 'external_account', credential_source: 'x' });
    assert.deepEqual((await logins({ username: '_json_key\n', password })).invalid, [
      'forbidden ServiceAccount field "credential_source" present in the password data entry in the referenced secret "team/login"',
    ]);
  });

  test('is reported once for each Secret, for all repositories or for some', async () => {
    const credentials = [{ repositories: ['a'], secretReferenceName: 'other' }];
    const { missing } = await judge({ secretReferenceName: 'login', credentials }, {});
    assert.equal(missing.length, 2);
  });

  test('with many forbidden fields is reported with five of them', async () => {
    const password = JSON.stringify(Object.fromEntries(Array.from({ length: 999 }, (_, n) => [`f${n}`, ''])));
    assert.equal((await logins({ username: '_json_key', password })).invalid.length, 5);
  });
});

test('a CA bundle is valid if the cache accepts it: every certificate is well-formed', async () => {
  const problemOf = async (secrets: Readonly<Record<string, Record<string, string>>>) =>
    (await judge({ caBundleSecretReferenceName: 'ca' }, secrets)).caBundleProblem;
  assert.equal(await problemOf({ ca: { 'bundle.crt': `${GOOD}\n${OTHER}` } }), undefined);
  assert.equal(
    await problemOf({ ca: { 'bundle.crt': `${GOOD}\n${OTHER.replace('MII', 'XXX')}` } }),
    'the CA bundle is not a valid PEM-encoded certificate',
  );
  assert.equal(
    await problemOf({ ca: {} }),
    'missing "bundle.crt" data entry in the referenced CA bundle secret "team/ca"',
  );
  assert.equal(
    await problemOf({}),
    'failed to get secret team/ca for caBundleSecretReferenceName ca: secrets "ca" not found',
  );
});
