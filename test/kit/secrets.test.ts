import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { basic, get, logIn, startLarder, startUpstream, type LarderProcess } from './index.ts';
import { secretsIn } from './secrets.ts';

const executable = fileURLToPath(new URL('fake-larder.ts', import.meta.url));
const PASSWORD = 'configured-secret-7';

function leaking(...flags: string[]): Promise<LarderProcess> {
  const secrets = { login: { username: 'alice', password: PASSWORD } };
  return startLarder({ executable, secrets, config: {}, flags });
}

const end = async (larder: LarderProcess): Promise<void> => larder[Symbol.asyncDispose]();

test('passwords, their Basic form and tokens of an upstream are known from when they are given out, short ones apart', async () => {
  const users = { carol: 'password-of-carol', dave: 'short' };
  await using upstream = await startUpstream({ auth: 'bearer', users });
  upstream.users.set('erin', 'set-much-later-8');
  assert.deepEqual(secretsIn('x password-of-carol y'), ['password of carol']);
  assert.deepEqual(secretsIn('set-much-later-8'), ['password of erin']);
  assert.deepEqual(secretsIn(basic('dave', 'short')), ['Basic login of dave']);
  assert.deepEqual(secretsIn('dave is short'), []);
  const { headers } = await get(`${upstream.url}/v2/`);
  const header = await logIn(String(headers['www-authenticate']), { user: 'carol', password: users.carol });
  assert.deepEqual(secretsIn(`sent ${header}`), ['token of a user']);
});

for (const [place, message] of [
  ['log', /^larder shows secrets: password of alice in its log$/],
  ['metrics', /password of alice in \/metrics/],
  ['name', /password of alice in a name in its store/],
  ['file', /Basic login of alice in index\.sqlite-wal/],
] as const) {
  test(`a cache that shows a configured secret in its ${place} fails when it is disposed, and the value is not repeated`, async () => {
    const larder = await leaking('--leak', place);
    await assert.rejects(end(larder), (error: Error) => {
      assert.match(error.message, message);
      assert.equal(error.message.includes(PASSWORD), false);
      return true;
    });
    assert.throws(() => process.kill(larder.pid, 0), { code: 'ESRCH' });
  });
}

test('a secret that a cache showed before it was stopped counts, and so does one in its command line', async () => {
  const stopped = await leaking('--leak', 'metrics');
  await stopped.stop();
  await assert.rejects(end(stopped), /in \/metrics/);
  const leaky = await leaking('--password', PASSWORD);
  await assert.rejects(end(leaky), /password of alice in its command line/);
});

test('a cache that shows no secret is disposed of without an error', async () => {
  await using larder = await leaking('--leak', 'nothing');
  larder.writeSecret('login', 'password', 'another-secret-9');
  assert.deepEqual(secretsIn('another-secret-9'), ['password of alice']);
});
