import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import fc from 'fast-check';
import { beginsWithCertificate, caBundleProblem, isCaBundle } from './ca-bundle-rules.ts';
import { dockerConfigLogin } from './docker-config.ts';
import { loginSecretProblems } from './login-secret-rules.ts';

const SECRET = 'garden-p/creds-v1';
const IN_SECRET = 'in the referenced secret "garden-p/creds-v1"';

/** The problems, with `S` for the Secret. */
function complaints(username: string | undefined, password: string | undefined = 'p'): string[] {
  return loginSecretProblems({ username, password }, SECRET).map((text) => text.replace(IN_SECRET, 'S'));
}

const keyed = (key: unknown): string[] =>
  complaints('_json_key', typeof key === 'string' ? key : JSON.stringify(key));

describe('a login, as the Gardener extension judges it,', () => {
  test('has a name and a password, neither of them blank', () => {
    assert.deepEqual(complaints('u'), []);
    assert.deepEqual(loginSecretProblems({}, SECRET), [
      `missing "username" data entry ${IN_SECRET}`,
      `missing "password" data entry ${IN_SECRET}`,
    ]);
    assert.deepEqual(complaints(''), ['the data entry "username" S is empty']);
    assert.deepEqual(complaints(' '), [
      'the data entry "username" S is empty',
      'the data entry "username" S contains whitespace',
    ]);
    assert.deepEqual(complaints('u', '\n '), ['the data entry "password" S is empty']);
  });

  test('has no white space in its name, as Go defines white space', () => {
    for (const space of [' ', '\n', '\u0085', '\u00a0', '\u2003', '\u3000'])
      assert.deepEqual(complaints(`a${space}b`), ['the data entry "username" S contains whitespace']);
    for (const other of ['\u200b', '\ufeff']) assert.deepEqual(complaints(`a${other}b`), []);
    assert.deepEqual(complaints('u', 'a b'), []);
  });

  test('of a service account has only the fields of a key', () => {
    const broken = 'failed to unmarshal ServiceAccount json from the password data entry S';
    for (const good of [{ type: 'service_account', private_key: 'k' }, {}, { type: null }, 'null'])
      assert.deepEqual(keyed(good), []);
    assert.deepEqual(keyed('{"type":"a","type":"b"}'), []);
    assert.deepEqual(keyed('hush'), [`${broken}: it is not JSON`]);
    assert.deepEqual(keyed('{} y'), [`${broken}: it is not JSON`]);
    assert.deepEqual(keyed([]), [
      `${broken}: json: cannot unmarshal array into Go value of type map[string]string`,
    ]);
    for (const [value, type] of [
      [1, 'number'],
      [true, 'bool'],
      [{}, 'object'],
      [[], 'array'],
    ] as const) {
      assert.deepEqual(keyed({ project_id: 'p', type: value }), [
        `${broken}: json: cannot unmarshal ${type} into Go value of type string`,
      ]);
    }
    assert.deepEqual(keyed({ type: 'external_account', credential_source: 'x' }), [
      'forbidden ServiceAccount field "credential_source" present in the password data entry S',
    ]);
    assert.deepEqual(complaints('other', '{"credential_source":"x"}'), []);
  });

  test('property: nothing of the contents is repeated but the names of forbidden fields, the first 64 characters', () => {
    const field = fc.tuple(fc.string({ minLength: 1 }), fc.constantFrom('hush', 1, null));
    fc.assert(
      fc.property(fc.constantFrom('_json_key', 'a hush'), fc.array(field), (username, fields) => {
        const password = JSON.stringify(Object.fromEntries(fields));
        for (const problem of complaints(username, password)) assert.doesNotMatch(problem, /hush/);
      }),
    );
    assert.ok((keyed({ ['x'.repeat(5000)]: '' })[0] ?? '').length < 200);
  });
});

test('a CA bundle consists of certificates, all of them valid', () => {
  const [good = '', other = ''] = rootCertificates;
  const invalid = 'the CA bundle is not a valid PEM-encoded certificate';
  assert.equal(caBundleProblem(good, SECRET), undefined);
  assert.equal(caBundleProblem(`# two\n${good}\n${other}\n`, SECRET), undefined);
  assert.equal(caBundleProblem(`${good}\n${other.replace('MII', 'XXX')}`, SECRET), invalid);
  assert.equal(caBundleProblem('hush', SECRET), invalid);
  assert.equal(
    caBundleProblem(undefined, SECRET),
    'missing "bundle.crt" data entry in the referenced CA bundle secret "garden-p/creds-v1"',
  );
});

test('the Gardener extension looks at the first PEM block alone', () => {
  const [good = '', other = ''] = rootCertificates;
  const damaged = other.replace('MII', 'XXX');
  const key = '-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----';
  const accepted = [good, `${good}\n${damaged}`, `${good}\n${key}`, `# a comment\n${good}`, `${good}  \r\n`];
  const ofNoUse = [
    '-----BEGIN X-----\n!\n-----END X-----',
    '-----BEGIN A-----\n',
    '-----BEGIN A-----\nQQ==\n-----END B-----',
  ];
  for (const text of [...accepted, ...ofNoUse.map((block) => `${block}\n${good}`)])
    assert.ok(beginsWithCertificate(text), text);
  for (const text of ['', damaged, `${key}\n${good}`, `x${good}`, `${good}x`])
    assert.ok(!beginsWithCertificate(text), text);
});

test('a Secret of 1 MiB is judged in linear time, whatever is in it', () => {
  const filled = (text: string): string => text.repeat(Math.floor((1024 * 1024) / text.length));
  for (const text of [
    `${filled(' ')}x`,
    `-----BEGIN CERTIFICATE-----\n${filled(' ')}x`,
    filled('-----BEGIN CERTIFICATE-----'),
  ])
    assert.deepEqual([isCaBundle(text), beginsWithCertificate(text)], [false, false]);
  const password = `${filled('\0')}x`;
  const auth = Buffer.from(`u:${password}\0\0`).toString('base64');
  const config = JSON.stringify({ auths: { 'a.io': { auth } } });
  assert.deepEqual(dockerConfigLogin(config, 'a.io', 'https://a.io'), { username: 'u', password });
});
