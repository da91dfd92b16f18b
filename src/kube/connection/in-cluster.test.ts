import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempDir, type TempDir } from '../../../test/kit/temp.ts';
import { ManualClock } from '../../kit/clock.ts';
import { createLogger } from '../../kit/logger.ts';
import { createInClusterConnection } from './in-cluster.ts';

const { signal } = new AbortController();

function serviceAccount(): TempDir {
  const directory = tempDir();
  directory.write('token', 'first\n');
  directory.write('ca.crt', 'PEM one');
  directory.write('namespace', 'larder-system');
  return directory;
}

async function connect({ path }: TempDir, host = '10.0.0.1') {
  const clock = new ManualClock();
  const logged: string[] = [];
  const logger = createLogger({ level: 'warn', format: 'json' }, (line) => logged.push(line));
  const settings = { directory: path, host, port: '443' };
  return { clock, logged, connection: await createInClusterConnection({ clock, logger }, settings, signal) };
}

test('server, namespace, authority and token are those of the service account', async () => {
  using directory = serviceAccount();
  const { connection } = await connect(directory);
  assert.deepEqual([connection.server, connection.namespace], ['https://10.0.0.1:443', 'larder-system']);
  const { tls, authorization } = await connection.access(signal);
  assert.deepEqual([authorization, tls.ca, tls.verify], ['Bearer first', 'PEM one', true]);
  assert.equal((await connect(directory, 'fd00::1')).connection.server, 'https://[fd00::1]:443');
});

test('a rotated token and authority are used within 10 s, and at once if the old ones were refused', async () => {
  using directory = serviceAccount();
  const { connection, clock } = await connect(directory);
  directory.write('token', 'second');
  directory.write('ca.crt', 'PEM two');
  clock.advance(9_999);
  assert.equal((await connection.access(signal)).authorization, 'Bearer first');
  clock.advance(1);
  const { tls, authorization } = await connection.access(signal);
  assert.deepEqual([authorization, tls.ca], ['Bearer second', 'PEM two']);
  directory.write('token', 'third');
  connection.refresh();
  assert.equal((await connection.access(signal)).authorization, 'Bearer third');
});

test('an unreadable file fails a start, and later leaves the previous content in force, with a warning', async () => {
  using empty = tempDir();
  await assert.rejects(connect(empty), {
    code: 'KUBE_CONNECTION_INVALID',
    message: /service account: .*cannot be read/,
  });
  using directory = serviceAccount();
  const { connection, clock, logged } = await connect(directory);
  directory.write('token', '\n');
  clock.advance(10_000);
  assert.equal((await connection.access(signal)).authorization, 'Bearer first');
  assert.match(logged.join(), /token is empty/);
  assert.doesNotMatch(logged.join(), /first/);
});
