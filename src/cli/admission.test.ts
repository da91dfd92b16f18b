import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsInHelp, lastFailure, runMain, UNREACHED_KUBECONFIG } from '../../test/cli/run-main.ts';
import { tempDir } from '../../test/kit/temp.ts';

const admission = (args: readonly string[], environment?: Record<string, string>) =>
  runMain(['admission', ...args], environment);

test('its help is found among the commands, and lists the flags of the Go admission with their defaults', async () => {
  assert.match((await runMain(['--help'])).out, /^ {2}admission /m);
  for (const args of [
    ['admission', '--help'],
    ['admission', '-h'],
    ['help', 'admission'],
  ]) {
    const { code, out, err } = await runMain(args);
    assert.deepEqual([code, err], [0, ''], args.join(' '));
    assert.deepEqual(defaultsInHelp(out), {
      'disable-webhooks': undefined,
      'health-bind-address': '":8081"',
      help: undefined,
      kubeconfig: undefined,
      'leader-election': 'true',
      'leader-election-id': '"registry-cache-admission-leader-election"',
      'leader-election-namespace': undefined,
      'log-format': '"json"',
      'log-level': '"info"',
      master: undefined,
      'metrics-bind-address': '":8080"',
      version: undefined,
      'webhook-config-cert-dir': '"/tmp/admission-registry-cache-cert"',
      'webhook-config-mode': undefined,
      'webhook-config-namespace': undefined,
      'webhook-config-owner-namespace': undefined,
      'webhook-config-server-host': undefined,
      'webhook-config-server-port': '443',
      'webhook-config-service-port': undefined,
      'webhook-config-url': undefined,
    });
  }
});

test('a wrong flag ends with 1 and its usage, as in Go, not with the 2 of other commands', async () => {
  for (const [arg, text] of [
    ['--nope', 'unknown flag: --nope'],
    ['--kubeconfig', 'flag needs an argument: --kubeconfig'],
    ['--gardener-version=v1.147.1', 'unknown flag: --gardener-version'],
    [
      '--leader-election=maybe',
      'invalid argument "maybe" for "--leader-election" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ] as const) {
    const { code, out, err } = await admission([arg]);
    assert.deepEqual([code, out], [1, '']);
    assert.ok(err.startsWith(`Error: ${text}\nUsage:\n  larder admission [flags]\n`), err);
  }
});

test('--version prints the version, and may be switched off', async () => {
  assert.deepEqual(await admission(['--version']), { code: 0, out: '1.2.3\n', err: '' });
  assert.equal((await admission(['--version=raw'])).out, '1.2.3\n');
  const off = await admission(['--version=false', '--kubeconfig=/nope']);
  assert.equal(off.code, 1);
});

test('values that cannot be used end with 1 and one log line, in the words of the Go admission', async () => {
  using own = tempDir();
  const kubeconfig = own.write('kubeconfig', UNREACHED_KUBECONFIG);
  const given = `--kubeconfig=${kubeconfig}`;
  for (const [args, text] of [
    [['--kubeconfig=/nope'], 'error completing options: stat /nope: no such file or directory'],
    [[given, '--log-level=trace'], 'error completing options: invalid --log-level: trace'],
    [[given, '--disable-webhooks=x'], 'error completing options: cannot disable unknown webhook "x"'],
    [
      [given],
      'could not get in-cluster config: unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    ],
  ] as const) {
    const result = await admission(args);
    assert.deepEqual(
      [result.code, result.out, lastFailure(result)],
      [1, '', { level: 'error', error: text }],
    );
  }
});

test('GARDEN_KUBECONFIG overrides --kubeconfig', async () => {
  const result = await admission(['--kubeconfig=/nope'], { GARDEN_KUBECONFIG: '/other' });
  assert.match(lastFailure(result).error, /stat \/other: no such file/);
});

test('with --log-format=text the failure is text', async () => {
  const { err } = await admission(['--kubeconfig=/nope', '--log-format=text']);
  assert.match(err, /^\d\d:\d\d:\d\d ERROR the program failed error="error completing options: stat \/nope/);
});
