import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertNoLeaks } from '../../test/kit/leaks.ts';
import { tempDir } from '../../test/kit/temp.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { keep, localStore } from '../../test/store/harness.ts';
import { blobPath } from '../../test/store/paths.ts';
import { parseRegistryConfig } from '../api/registry-config/parse.ts';
import { digestOf } from '../oci/digest.ts';
import { main, packageVersion } from './main.ts';

/** A configuration with one cache, which gets no requests. */
const CONFIG = `
apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryConfig
caches:
  - upstream: r.example
`;

const MIRRORS = `
apiVersion: mirror.extensions.gardener.cloud/v1alpha1
kind: MirrorConfig
mirrors:
  - upstream: r.example
    hosts:
      - host: https://mirror.example/m
`;

interface Run {
  readonly code: Promise<number>;
  readonly out: () => string;
  readonly err: () => string;
  signal(name: 'SIGINT' | 'SIGTERM'): void;
  readonly listening: () => boolean;
}

function start(...args: string[]): Run {
  let out = '';
  let err = '';
  const listeners = new Set<(name: 'SIGINT' | 'SIGTERM') => void>();
  const code = main(args, {
    environment: {},
    isTerminal: false,
    version: '1.2.3',
    out: (text) => (out += text),
    err: (text) => (err += text),
    readInput: () => Promise.resolve(''),
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  return {
    code,
    out: () => out,
    err: () => err,
    signal: (name) => listeners.forEach((listener) => listener(name)),
    listening: () => listeners.size > 0,
  };
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const running = start(...args);
  return { code: await running.code, out: running.out(), err: running.err() };
}

describe('help', () => {
  test('names the commands, on standard output', async () => {
    const { code, out, err } = await run('--help');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^ {2}serve /m);
    assert.match(out, /^ {2}validate /m);
  });

  test('of a command names its options with their twins', async () => {
    for (const args of [
      ['serve', '--help'],
      ['help', 'serve'],
    ]) {
      const { code, out } = await run(...args);
      assert.equal(code, 0);
      assert.match(
        out.replaceAll(/\s+/g, ' '),
        /--admin-address <host:port> admin listener \(default: 127\.0\.0\.1:5001, env: LARDER_ADMIN_ADDRESS\)/,
      );
    }
  });

  test('comes on standard error, as wrong usage, without a command', async () => {
    const { code, out, err } = await run();
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^Usage: larder/);
  });

  test('has the version', async () => {
    assert.deepEqual(await run('--version'), { code: 0, out: '1.2.3\n', err: '' });
    assert.match(packageVersion(), /^\d+\.\d+\.\d+/);
  });
});

describe('wrong usage exits with 2 and says what is wrong', () => {
  for (const [args, message] of [
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['serve', '--bogus'], /unknown option '--bogus'/],
    [['serve', 'extra'], /too many arguments/],
    [['serve', '--config'], /option '--config <file>' argument missing/],
    [['serve', '--address', '5000'], /expected HOST:PORT/],
    [['serve', '--max-size', '0'], /expected a quantity of bytes above 0/],
    [['serve', '--store', ''], /expected a value/],
    [['serve', '--store', 's3://bucket/prefix?secret=x'], /--store s3:\/\/bucket\/prefix: only directories/],
    [['serve', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
    [['serve', '--tls-cert', 'a.pem'], /--tls-cert needs --tls-key beside it/],
    [['serve', '--tls-key', 'a.pem'], /--tls-key needs --tls-cert beside it/],
    [
      ['serve', '--config', 'a', '--distribution-config', 'b'],
      /either --config or --distribution-config is needed, not both\n {2}what a configuration of Distribution cannot say/,
    ],
    [['node-agent'], /either --config or --node-name is needed, or --uninstall/],
    [['node-agent', '--config', 'n.json', '--node-name', 'a'], /either --config or --node-name is needed/],
    [['node-agent', '--config', 'n.json', '--namespace', 'a'], /--namespace needs --node-name/],
    [['node-agent', '--config', 'n.json', '--state', '/s'], /--state needs --node-name/],
    [
      ['node-agent', '--node-name', 'a', '--pod-name', 'p'],
      /--pod-name and --pod-uid must be given together/,
    ],
    [['node-agent', '--node-name', 'a', '--context', 'c'], /--context needs --kubeconfig/],
    [['node-agent', '--node-name', 'a'], /--kubeconfig is needed: this process does not run in a pod/],
    [['node-agent', '--address', '0.0.0.0:5010'], /expected a loopback address/],
    [['serve', '--scrub-rate', 'fast'], /expected a quantity of bytes per second/],
    [['verify', '--store', 's3://bucket/prefix?secret=x'], /--store s3:\/\/bucket\/prefix: only directories/],
    [['gc', '--store', 's3://bucket/prefix'], /--store s3:\/\/bucket\/prefix: only directories/],
    [['verify', 'sha256:12ab'], /"sha256:12ab" is no image: invalid digest/],
    [['verify', '--rate', 'fast'], /expected bytes per second above 0, such as 20M, found "fast"/],
    [['verify', '--rate', '0'], /expected bytes per second above 0/],
    [['verify', 'UPPER'], /"UPPER" is no image: invalid repository name/],
    [['verify', 'a', 'b'], /too many arguments/],
    [['verify', '--admin', 'localhost:5001'], /expected a URL such as/],
    [['gc', '--output', 'xml'], /Allowed choices are text, json/],
    [['gc', 'extra'], /too many arguments/],
    [['validate'], /missing required argument 'file'/],
    [['validate', 'x', '--output', 'xml'], /Allowed choices are text, json/],
  ] as const) {
    test(args.join(' '), async () => {
      const { code, out, err } = await run(...args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, message);
      assert.doesNotMatch(err, /^ {4}at /m);
    });
  }

  test('a bad environment twin, which is named', async () => {
    process.env['LARDER_ADDRESS'] = 'nowhere';
    try {
      const { code, err } = await run('serve', '--print-config');
      assert.equal(code, 2);
      assert.match(err, /from env 'LARDER_ADDRESS' is invalid/);
    } finally {
      delete process.env['LARDER_ADDRESS'];
    }
  });
});

describe('validate', () => {
  test('prints the upstreams of a valid file', async () => {
    using directory = tempDir();
    const file = directory.write('good.yaml', CONFIG);
    const { code, out, err } = await run('validate', file);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /good\.yaml is valid.*r\.example/);
    const json = await run('validate', file, '--output', 'json');
    assert.deepEqual([json.code, JSON.parse(json.out)], [0, { valid: true, upstreams: ['r.example'] }]);
  });

  test('lists every problem of an invalid file with its field path, and exits with 2', async () => {
    using directory = tempDir();
    const file = directory.write('bad.yaml', `${CONFIG}    bogus: 1\n    garbageCollection: { ttl: -1h }\n`);
    const { code, out, err } = await run('validate', file);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /caches\[0\]\.bogus/);
    assert.match(err, /caches\[0\]\.garbageCollection\.ttl/);
    const json = await run('validate', file, '--output', 'json');
    assert.deepEqual([json.code, json.err], [2, '']);
    assert.equal((JSON.parse(json.out) as { valid: boolean }).valid, false);
  });

  test('reads a MirrorConfig as well', async () => {
    using directory = tempDir();
    const file = directory.write('mirrors.yaml', MIRRORS);
    const { code, out, err } = await run('validate', file);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /mirrors\.yaml is valid: 1 upstream \(r\.example\)/);
    const bad = await run(
      'validate',
      directory.write('bad.yaml', MIRRORS.replace('example/m', 'example/../m')),
    );
    assert.equal(bad.code, 2);
    assert.match(bad.err, /^mirrors\[0\]\.hosts\[0\]\.host: .*url path must not contain '\.\.'/m);
  });

  test('refuses an upstream that two objects name, of either kind, and says which and what to do', async () => {
    using directory = tempDir();
    const object = (name: string, document: string) => {
      const [apiVersion = '', kind = '', ...rest] = document.trim().split('\n');
      const spec = rest.map((line) => `  ${line}`).join('\n');
      return `${apiVersion}\n${kind}\nmetadata: { namespace: team, name: ${name} }\nspec:\n${spec}\n`;
    };
    const twice = directory.write(
      'twice.yaml',
      [object('a', CONFIG), object('b', CONFIG), object('c', MIRRORS)].join('---\n'),
    );
    const { code, out, err } = await run('validate', twice);
    assert.deepEqual([code, out], [2, '']);
    assert.match(
      err,
      /spec\.caches\[0\]\.upstream: r\.example is named by RegistryConfig team\/a \(document 1\) and by RegistryConfig team\/b \(document 2\): .*remove it from one/,
    );
    assert.match(err, /spec\.mirrors\[0\]\.upstream: .*MirrorConfig team\/c \(document 3\)/);
    const json = await run('validate', twice, '--output', 'json');
    const { valid, problems } = JSON.parse(json.out) as { valid: boolean; problems: { kind: string }[] };
    assert.deepEqual(
      [json.code, valid, problems.map(({ kind }) => kind)],
      [2, false, ['Duplicate', 'Duplicate']],
    );
    const same = directory.write('same.yaml', [object('a', CONFIG), object('a', CONFIG)].join('---\n'));
    assert.equal((await run('validate', same)).code, 0);
  });

  test('a file that is not there exits with 2', async () => {
    const { code, err } = await run('validate', '/nowhere/config.yaml');
    assert.equal(code, 2);
    assert.match(err, /^\/nowhere\/config\.yaml: cannot be read: /);
  });
});

describe('--print-config', () => {
  test('prints settings as comments and a document that is a configuration again', async () => {
    using directory = tempDir();
    const file = directory.write('config.yaml', CONFIG);
    const { code, out, err } = await run(
      'serve',
      '--print-config',
      '--config',
      file,
      '--address',
      '[::1]:0',
      '--max-size',
      '1Gi',
      '--default-upstream',
      'r.example',
    );
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^# address: \[::1\]:0$/m);
    assert.match(out, /^# max-size: 1073741824$/m);
    assert.match(out, /^# default-upstream: r\.example$/m);
    const again = parseRegistryConfig(out);
    assert.ok(again.ok && again.config.caches[0]?.upstream === 'r.example');
  });

  test('shows the built-in list without a file', async () => {
    const { out } = await run('serve', '--print-config');
    assert.match(out, /^# config: built-in$/m);
    const read = parseRegistryConfig(out);
    assert.deepEqual(read.ok && read.config.caches.map((cache) => cache.upstream), [
      'docker.io',
      'registry.k8s.io',
      'ghcr.io',
      'quay.io',
      'gcr.io',
      'mcr.microsoft.com',
      'public.ecr.aws',
    ]);
  });

  test('in a container shows the defaults of the image, below what is given', async () => {
    const { out } = await run('serve', '--print-config', '--in-container', '--admin-address', '[::1]:1');
    for (const line of ['address: [::]:5000', 'admin-address: [::1]:1', 'store: /var/lib/larder'])
      assert.ok(out.split('\n').includes(`# ${line}`), line);
    process.env['LARDER_STORE'] = '/elsewhere';
    try {
      const given = await run('serve', '--print-config', '--in-container');
      assert.match(given.out, /^# store: \/elsewhere$/m);
    } finally {
      delete process.env['LARDER_STORE'];
    }
  });

  test('hands back by a flag, by the environment, or by larder.yaml, and not by default', async () => {
    using directory = tempDir();
    const file = directory.write('config.yml', 'version: 0.1\nproxy: {remoteurl: "https://r.example"}');
    const isHandedBack = async (...flags: string[]): Promise<boolean> => {
      const { code, out } = await run('serve', '--print-config', '--distribution-config', file, ...flags);
      assert.equal(code, 0);
      return out.includes('# hand-back: true\n');
    };
    assert.equal(await isHandedBack(), false);
    assert.equal(await isHandedBack('--hand-back'), true);
    process.env['LARDER_HAND_BACK'] = 'true';
    try {
      assert.equal(await isHandedBack(), true);
      assert.equal(await isHandedBack('--hand-back=false'), false);
    } finally {
      delete process.env['LARDER_HAND_BACK'];
    }
    directory.write('larder.yaml', 'handBack: true');
    assert.equal(await isHandedBack(), true);
    assert.equal(await isHandedBack('--hand-back=false'), false);
    assert.equal((await run('serve', '--print-config', '--hand-back=maybe')).code, 2);
  });

  test('of a bad file exits with 2', async () => {
    using directory = tempDir();
    assert.equal(
      (await run('serve', '--print-config', '--config', directory.write('bad.yaml', 'caches: 1'))).code,
      2,
    );
  });
});

describe('serve', () => {
  const anyPort = ['--address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0'];

  test('logs that it is ready, answers, and exits with 0 after a signal, leaving nothing open', async () => {
    await assertNoLeaks(async () => {
      using directory = tempDir();
      const config = directory.write('config.yaml', CONFIG);
      const running = start('serve', '--config', config, '--store', `${directory.path}/store`, ...anyPort);
      const ready = await waitFor(() => line(running.err(), 'ready'), {
        what: 'the line that says it is ready',
      });
      const registry = await fetch(`${String(ready['registry'])}/v2/`, { method: 'PUT' });
      assert.equal(registry.status, 405);
      await registry.arrayBuffer();
      const probe = await fetch(`${String(ready['admin'])}/readyz`, { headers: { connection: 'close' } });
      assert.equal(await probe.text(), 'ok\n');
      running.signal('SIGTERM');
      assert.equal(await running.code, 0);
      assert.equal(line(running.err(), 'stopping')?.['signal'], 'SIGTERM');
      assert.ok(line(running.err(), 'stopped'));
      assert.equal(running.listening(), false);
    });
  });

  test('exits with 1 and one sentence when the address is in use', async () => {
    using directory = tempDir();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = directory.write('config.yaml', CONFIG);
    const { code, err } = await run(
      'serve',
      '--config',
      config,
      '--store',
      `${directory.path}/store`,
      ...anyPort,
      '--address',
      taken,
    );
    assert.equal(code, 1);
    assert.match(
      err,
      new RegExp(
        `larder: cannot listen on ${taken}: the address is in use\\n  choose another address with --address\\n$`,
      ),
    );
    server.close();
  });

  test('exits with 1 for TLS files that cannot be read, with 2 for a default upstream that is not configured', async () => {
    using directory = tempDir();
    const config = directory.write('config.yaml', CONFIG);
    const common = ['serve', '--config', config, '--store', `${directory.path}/store`, ...anyPort];
    const tls = await run(...common, '--tls-cert', '/nowhere.pem', '--tls-key', '/nowhere.pem');
    assert.equal(tls.code, 1);
    assert.match(tls.err, /--tls-cert/);
    const unknown = await run(...common, '--default-upstream', 'docker.io');
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /--default-upstream docker\.io is not configured; configured: r\.example/);
  });
});

describe('verify and gc', () => {
  /** A store with one blob, as `larder serve` left it. */
  async function leave(directory: string, content: Buffer): Promise<string> {
    const digest = digestOf(content);
    await using under = await localStore({ directory });
    await keep(under.store, { digest, content });
    return blobPath(directory, digest);
  }

  test('of a store at rest print what they found, as text and as JSON', async () => {
    using directory = tempDir();
    const store = join(directory.path, 'store');
    const path = await leave(store, Buffer.from('right'));
    const good = await run('verify', '--store', store);
    assert.deepEqual([good.code, good.out], [0, '1 object checked, 5 B; all right\n']);
    assert.match(good.err, /^checking all content: the store .*, which no larder serve uses\n$/);
    writeFileSync(path, 'wrong');
    const bad = await run('verify', '--store', store, '--output', 'json');
    assert.deepEqual([bad.code, bad.err], [1, '']);
    const { damaged, findings } = JSON.parse(bad.out) as { damaged: number; findings: { state: string }[] };
    assert.deepEqual([damaged, findings.map(({ state }) => state)], [1, ['damaged']]);
    const again = await run('verify', '--store', store);
    assert.deepEqual([again.code, /1 damaged/.test(again.out)], [1, true]);
    writeFileSync(join(store, 'quarantine', 'sha256-0.1'), 'wrong');
    const dry = await run('gc', '--store', store, '--dry-run');
    assert.equal(dry.code, 0);
    assert.match(
      dry.out,
      /^quarantine +5 B +sha256-0\.1\n.*: 1, 5 B\nwould remove 1 object, 5 B; the store has /,
    );
    const done = await run('gc', '--store', store, '--output', 'json');
    const { bytes, limitBytes } = JSON.parse(done.out) as { bytes: number; limitBytes: number | null };
    assert.deepEqual([done.code, bytes, limitBytes], [0, 5, null]);
    const none = await run('gc', '--store', store);
    assert.match(none.out, /^removed nothing; the store has [^/]*$/);
  });

  test('gc of a store at rest goes by the configuration that it is given, and by none without one', async () => {
    using directory = tempDir();
    const store = join(directory.path, 'store');
    await leave(store, Buffer.from('of a.example'));
    assert.match((await run('gc', '--store', store)).out, /^removed nothing/);
    const config = directory.write('config.yaml', CONFIG);
    const { code, out } = await run('gc', '--store', store, '--config', config);
    assert.equal(code, 0);
    assert.match(out, /^content of upstreams that are not configured: 1, 12 B\nremoved 1 object, 12 B; /);
    assert.equal((await run('gc', '--store', store, '--config', '/nowhere')).code, 2);
  });

  test('exit with 3 where there is no store and for an image that is not there, with 130 when interrupted', async () => {
    using directory = tempDir();
    const none = await run('verify', '--store', join(directory.path, 'none'));
    assert.equal(none.code, 3);
    assert.match(none.err, /^larder: there is no store in .*\n {2}name its directory with --store/);
    const store = join(directory.path, 'store');
    await leave(store, Buffer.from('right'));
    assert.equal((await run('verify', 'alpine', '--store', store)).code, 3);
    await leave(store, Buffer.alloc(1000));
    const slow = start('verify', '--store', store, '--rate', '1');
    await waitFor(() => slow.err().includes('checking') && slow.listening());
    slow.signal('SIGINT');
    assert.equal(await slow.code, 130);
    assert.equal(slow.err().split('\n').at(-2), 'larder: interrupted');
    assert.equal(slow.listening(), false);
    assert.equal((await run('verify', '--store', store)).code, 0, 'and the store is free again');
  });
});

/** The log line with this event. */
function line(log: string, event: string): Record<string, unknown> | undefined {
  return log
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .find((fields) => fields['event'] === event);
}

describe('node-agent', () => {
  test('relays until a signal, writes what its document asks for, and takes it away with --uninstall', async () => {
    using directory = tempDir();
    const certs = join(directory.path, 'certs.d');
    const mirrors = [{ upstream: 'r.example', server: 'https://r.example', hosts: [{ host: 'https://m' }] }];
    const file = directory.write('nodes.json', JSON.stringify({ revision: '7', mirrors }));
    const agent = start('node-agent', '--config', file, '--address', '127.0.0.1:0', '--certs-dir', certs);
    await waitFor(() => agent.err().includes('"event":"ready","relay":"https://127.0.0.1:'));
    assert.match(agent.err(), /"event":"node-status","revision":"7"/);
    agent.signal('SIGTERM');
    assert.equal(await agent.code, 0);
    assert.deepEqual(readdirSync(certs), ['r.example']);
    assert.deepEqual(await run('node-agent', '--uninstall', '--certs-dir', certs), {
      code: 0,
      out: '',
      err: '',
    });
    assert.deepEqual(readdirSync(certs), []);
  });

  test('exits with 2 for a document that is missing or wrong, with 1 for an address in use', async () => {
    using directory = tempDir();
    const wrong = directory.write('nodes.json', '{}');
    assert.equal((await run('node-agent', '--config', wrong)).code, 2);
    assert.equal((await run('node-agent', '--config', join(directory.path, 'none'))).code, 2);
    const right = directory.write('nodes.json', '');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    assert.equal((await run('node-agent', '--config', right, '--address', address)).code, 1);
    taken.close();
    await once(taken, 'close');
  });
});
