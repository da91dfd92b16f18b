import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tempDir, type TempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { createLogger } from '../../kit/logger.ts';
import { createKubeconfigConnection } from './kubeconfig-connection.ts';

const { signal } = new AbortController();
const SERVER = 'https://api.example:6443/prefix/';

function kubeconfig(directory: TempDir, user: object, cluster: object = {}): string {
  const content = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    clusters: [{ name: 'c', cluster: { server: SERVER, ...cluster } }],
    users: [{ name: 'c', user }],
  };
  return directory.write('config', JSON.stringify(content));
}

async function connect(file: string, { end = signal, clock = new ManualClock(1_000_000) } = {}) {
  const logged: string[] = [];
  const logger = createLogger({ level: 'warn', format: 'json' }, (line) => logged.push(line));
  const connection = await createKubeconfigConnection(
    { clock, logger, signal: end },
    { file, context: undefined, environment: { PATH: process.env['PATH'], INHERITED: 'yes' } },
  );
  return { clock, logged, connection, access: () => connection.access(signal) };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('authority, certificate and key are read in line or from files beside the kubeconfig', async () => {
  using directory = tempDir();
  directory.write('pki/key.pem', 'KEY');
  const file = kubeconfig(
    directory,
    { 'client-certificate-data': base64('CERT'), 'client-key': 'pki/key.pem' },
    {
      'certificate-authority-data': base64('CA'),
      'tls-server-name': 'api',
      'insecure-skip-tls-verify': true,
    },
  );
  const { connection, access } = await connect(file);
  assert.deepEqual([connection.server, connection.namespace], [SERVER.slice(0, -1), 'default']);
  assert.deepEqual(await access(), {
    tls: { ca: 'CA', cert: 'CERT', key: 'KEY', serverName: 'api', verify: false },
    authorization: undefined,
  });
});

test('a changed token is used within 10 s; a changed server is not, and is logged', async () => {
  using directory = tempDir();
  directory.write('token', 'hunter1\n');
  const { clock, logged, access } = await connect(kubeconfig(directory, { tokenFile: 'token' }));
  assert.equal((await access()).authorization, 'Bearer hunter1');
  directory.write('token', 'hunter2');
  clock.advance(10_000);
  assert.equal((await access()).authorization, 'Bearer hunter2');
  kubeconfig(directory, { token: 'hunter3' }, { server: 'https://other.example' });
  clock.advance(10_000);
  assert.equal((await access()).authorization, 'Bearer hunter2');
  assert.match(logged.join(), /the server changed from .*: restart to follow it/);
  assert.doesNotMatch(logged.join(), /hunter/);
});

test('a missing file, and a certificate without its key, fail a start', async () => {
  using directory = tempDir();
  const expected = (message: RegExp) => ({ code: 'KUBE_CONNECTION_INVALID', message });
  await assert.rejects(connect(join(directory.path, 'none')), expected(/kubeconfig: .*none cannot be read/));
  await assert.rejects(
    connect(kubeconfig(directory, { tokenFile: 'none' })),
    expected(/tokenFile: .*none cannot be read/),
  );
  const alone = { 'client-certificate-data': base64('CERT') };
  await assert.rejects(
    connect(kubeconfig(directory, alone)),
    expected(/client-certificate together with client-key/),
  );
});

describe('a login plugin', () => {
  /** A shell script that counts its runs. */
  function plugin(directory: TempDir, script: string, more: object = {}): object {
    chmodSync(
      directory.write('login.sh', `#!/bin/sh\necho run >>"$(dirname "$0")/runs"\n${script}\n`),
      0o755,
    );
    const apiVersion = 'client.authentication.k8s.io/v1';
    return { exec: { apiVersion, command: './login.sh', args: ['hunter2'], ...more } };
  }
  const runs = ({ path }: TempDir): number =>
    existsSync(join(path, 'runs')) ? readFileSync(join(path, 'runs'), 'utf8').trim().split('\n').length : 0;
  const credential = (status: object): string =>
    JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
  const answer = (status: object): string => `cat <<'EOF'\n${credential(status)}\nEOF`;

  test('gives a token, used until shortly before its end or until it is refused', async () => {
    using directory = tempDir();
    const status = { token: 'T', expirationTimestamp: new Date(1_000_000 + 60_000).toISOString() };
    const { clock, connection, access } = await connect(
      kubeconfig(directory, plugin(directory, answer(status))),
    );
    assert.equal((await access()).authorization, 'Bearer T');
    clock.advance(50_000);
    await access();
    assert.equal(runs(directory), 1);
    clock.advance(10_000);
    await access();
    assert.equal(runs(directory), 2);
    connection.refresh();
    await access();
    assert.equal(runs(directory), 3);
  });

  test('gives a certificate; it receives the cluster, the environment of this process and its own', async () => {
    using directory = tempDir();
    const script = `echo "$INHERITED $OWN $1 $KUBERNETES_EXEC_INFO" >"$(dirname "$0")/seen"
${answer({ clientCertificateData: 'CERT', clientKeyData: 'KEY' })}`;
    const user = plugin(directory, script, {
      env: [{ name: 'OWN', value: 'too' }],
      provideClusterInfo: true,
    });
    const { access } = await connect(kubeconfig(directory, user));
    const { tls } = await access();
    assert.deepEqual([tls.cert, tls.key], ['CERT', 'KEY']);
    const [, words, info = ''] =
      /^(yes too hunter2) (.*)$/m.exec(readFileSync(join(directory.path, 'seen'), 'utf8')) ?? [];
    assert.ok(words);
    const { spec } = JSON.parse(info) as { spec: { interactive: boolean; cluster: { server: string } } };
    assert.deepEqual([spec.interactive, spec.cluster.server], [false, SERVER]);
  });

  const failures: readonly (readonly [string, string, object, RegExp])[] = [
    ['fails', 'echo hunter3; echo hunter4 >&2; exit 3', {}, /^login plugin \.\/login\.sh: exit code 3$/],
    ['prints something else', 'echo hunter3', {}, /expected an ExecCredential of client\.authentication/],
    ['gives nothing', answer({}), {}, /expected a token or a certificate$/],
    [
      'gives a certificate without a key',
      answer({ clientCertificateData: 'hunter3' }),
      {},
      /together with its key$/,
    ],
    ['is not there', '', { command: 'larder-no-such-plugin' }, /cannot be run \(ENOENT\)$/],
  ];
  for (const [what, script, more, message] of failures) {
    test(`that ${what} is reported by its name, without its arguments and output`, async () => {
      using directory = tempDir();
      const user = plugin(directory, script, { installHint: 'install it', ...more });
      await assert.rejects(
        connect(kubeconfig(directory, user)),
        (error: Error & { code?: string; hint?: string }) => {
          assert.deepEqual([error.code, error.hint], ['KUBE_CONNECTION_INVALID', 'install it']);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /hunter/);
          return true;
        },
      );
    });
  }

  test('that does not end is killed after 60 s, or with the program', async () => {
    using directory = tempDir();
    const file = kubeconfig(directory, plugin(directory, 'exec sleep 600'));
    const clock = new ManualClock();
    const late = assert.rejects(connect(file, { clock }), { message: /did not end within 60000 ms/ });
    await waitFor(() => runs(directory) === 1);
    clock.advance(60_000);
    await late;
    const controller = new AbortController();
    const ended = assert.rejects(connect(file, { end: controller.signal }), /enough/);
    await waitFor(() => runs(directory) === 2);
    controller.abort(new Error('enough'));
    await ended;
  });
});
