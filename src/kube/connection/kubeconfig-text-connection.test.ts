import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../../test/kube/api-server.ts';
import { configMap, clientOf, forever, IN_CONFIG_MAPS } from '../../../test/kube/client.ts';
import { createTestPki } from '../../../test/kit/certificate.ts';
import { assertNoLeaks } from '../../../test/kit/leaks.ts';
import { tempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { CONFIG_MAPS } from '../objects/config-maps.ts';
import { createKubeconfigTextConnection } from './kubeconfig-text-connection.ts';

const { signal } = new AbortController();
const SOURCE = 'Secret shoot--a--b/gardener-internal';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function connect(user: object, cluster: object = {}, { clock = new ManualClock(), more = {} } = {}) {
  const text = JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://api.example:443/', ...cluster } }],
    users: [{ name: 'c', user }],
    ...more,
  });
  return createKubeconfigTextConnection({ clock, logger: silentLogger }, { text, source: SOURCE }, signal);
}

test('authority, certificate, key and token are those in the text', async () => {
  const data = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
  const connection = await connect(
    { ...data, token: 't' },
    { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'api' },
  );
  assert.deepEqual([connection.server, connection.namespace], ['https://api.example:443', 'default']);
  assert.deepEqual(await connection.access(signal), {
    tls: { ca: 'CA', cert: 'CERT', key: 'KEY', serverName: 'api', verify: true },
    authorization: 'Bearer t',
  });
});

test('the server is taken without slashes at its end, however many there are elsewhere', async () => {
  const server = `https://api.example/${'/'.repeat(1_000_000)}x`;
  assert.equal((await connect({}, { server: `${server}//` })).server, server);
});

test('a token file is read again after 10 s, and at once after a refusal', async () => {
  using directory = tempDir();
  const clock = new ManualClock();
  const connection = await connect({ tokenFile: directory.write('token', 'one\n') }, {}, { clock });
  const authorization = async () => (await connection.access(signal)).authorization;
  directory.write('token', 'two');
  assert.equal(await authorization(), 'Bearer one');
  clock.advance(10_000);
  assert.equal(await authorization(), 'Bearer two');
  directory.write('token', 'three');
  connection.refresh();
  assert.equal(await authorization(), 'Bearer three');
});

const EXEC = { apiVersion: 'client.authentication.k8s.io/v1', command: 'hunter2' };
const refused: readonly (readonly [string, object, object, RegExp])[] = [
  ['a login plugin', { exec: EXEC }, {}, /users\[0\]\.user\.exec: is not allowed here$/],
  [
    'an auth provider',
    { 'auth-provider': { name: 'hunter2' } },
    {},
    /user\.auth-provider: is not supported$/,
  ],
  [
    'a certificate file',
    { 'client-certificate': '/hunter2' },
    {},
    /user\.client-certificate: is not allowed/,
  ],
  ['a key file', { 'client-key': '/hunter2' }, {}, /user\.client-key: is not allowed here$/],
  ['a user name', { username: 'hunter2', password: 'hunter2' }, {}, /user\.username: is not supported$/],
  ['impersonation', { as: 'hunter2' }, {}, /user\.as: is not supported$/],
  ['a relative token file', { tokenFile: 'hunter2' }, {}, /user\.tokenFile: expected an absolute path$/],
  ['a missing token file', { tokenFile: '/no/such/file' }, {}, /tokenFile: \/no\/such\/file cannot be read/],
  [
    'an authority file',
    {},
    { 'certificate-authority': '/hunter2' },
    /cluster\.certificate-authority: is not/,
  ],
  ['a proxy', {}, { 'proxy-url': 'http://hunter2' }, /cluster\.proxy-url: is not supported$/],
  ['a key without a certificate', { 'client-key-data': base64('hunter2') }, {}, /together with client-key$/],
];
for (const [what, user, cluster, message] of refused) {
  test(`${what} is refused with source and field, and nothing of the content`, async () => {
    await assert.rejects(connect(user, cluster), (error) => {
      assert.ok(isLarderError(error, 'KUBE_CONNECTION_INVALID'));
      assert.ok(error.message.startsWith(`kubeconfig of ${SOURCE}: `), error.message);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter/);
      return true;
    });
  });
}

test('a user that is not used is refused all the same', async () => {
  const users = [
    { name: 'c', user: { token: 't' } },
    { name: 'd', user: { exec: EXEC } },
  ];
  await assert.rejects(connect({}, {}, { more: { users } }), /users\[1\]\.user\.exec: is not allowed here$/);
});

test('a text that cannot be read is refused without a word of it', async () => {
  for (const text of [
    '',
    'hunter2',
    'users: [{user: {token: hunter2',
    '{"users": [{"token": "hunter2"}}',
    'a: *hunter2',
  ])
    await assert.rejects(
      createKubeconfigTextConnection(
        { clock: new ManualClock(), logger: silentLogger },
        { text, source: SOURCE },
        signal,
      ),
      (error) => isLarderError(error, 'KUBE_CONNECTION_INVALID') && !error.message.includes('hunter'),
      text,
    );
});

test('a client that is closed leaves no socket, timer or file behind', async () => {
  const pki = createTestPki();
  await using api = await startApi({ tls: pki.server(), tokens: new Set(['t']) });
  api.put(IN_CONFIG_MAPS, configMap('a'));
  const { key, cert } = pki.client({ commonName: 'larder' });
  const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key), token: 't' };
  const cluster = { server: api.url, 'certificate-authority-data': base64(pki.caPem) };
  const clock = new ManualClock();
  await assertNoLeaks(async () => {
    for (let round = 0; round < 3; round += 1) {
      const connection = await connect(user, cluster, { clock });
      await using client = clientOf({ url: '' }, { connection, clock });
      await Promise.all(
        [1, 2, 3].map(() => client.get(CONFIG_MAPS, { namespace: 'default', name: 'a' }, forever())),
      );
    }
    await waitFor(() => api.connections.open === 0);
  });
  assert.equal(api.requests[0]?.clientName, 'larder');
  assert.equal(clock.pending, 0);
});
