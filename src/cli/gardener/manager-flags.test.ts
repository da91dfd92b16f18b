import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoFlags } from '../go-flags/parse-flags.ts';
import { parseBindAddress } from './bind-address.ts';
import { managerFlags, managerSettings } from './manager-flags.ts';

const FLAGS = managerFlags({ leaderElectionId: 'lease', certDir: '/certs' });
const settings = (...args: string[]) => managerSettings(parseGoFlags(FLAGS, args, {}));

test('without flags a program leads by a lease, and listens on the ports of the Go extension', () => {
  assert.deepEqual(settings(), {
    log: { level: 'info', format: 'json' },
    lease: { name: 'lease', namespace: undefined },
    server: { host: '::', port: 443 },
    certDir: '/certs',
    metrics: { host: '::', port: 8080 },
    health: { host: '::', port: 8081 },
  });
});

test('a listener is turned off by 0, and an empty flag means what it means to Go', () => {
  const off = settings('--metrics-bind-address=0', '--health-bind-address=0', '--leader-election=false');
  assert.deepEqual([off.metrics, off.health, off.lease], [undefined, undefined, undefined]);
  const empty = settings(
    '--metrics-bind-address=',
    '--health-bind-address=',
    '--webhook-config-cert-dir=',
    '--webhook-config-server-port=0',
  );
  assert.deepEqual([empty.metrics?.port, empty.health, empty.server.port], [8080, undefined, 9443]);
  assert.match(empty.certDir, /k8s-webhook-server\/serving-certs$/);
});

test('a level or format that the Go library does not have is refused in its words', () => {
  assert.throws(() => settings('--log-level=trace'), /^LarderError: invalid --log-level: trace$/);
  assert.throws(() => settings('--log-level=warn'), /invalid --log-level: warn/);
  assert.throws(() => settings('--log-format=xml'), /invalid --log-format: xml/);
});

test('a port of the webhook server that cannot exist is refused by name', () => {
  assert.equal(settings('--webhook-config-server-port=65535').server.port, 65_535);
  assert.throws(
    () => settings('--webhook-config-server-port=65536'),
    /^LarderError: --webhook-config-server-port: address :65536: invalid port$/,
  );
});

test('addresses are read as Go reads them', () => {
  const addresses = {
    ':8080': { host: '::', port: 8080 },
    '127.0.0.1:0': { host: '127.0.0.1', port: 0 },
    'localhost:80': { host: 'localhost', port: 80 },
    '[::1]:80': { host: '::1', port: 80 },
    '[]:80': { host: '::', port: 80 },
    ':': { host: '::', port: 0 },
  };
  for (const [text, address] of Object.entries(addresses))
    assert.deepEqual(parseBindAddress(text, 'x'), address, text);
  const problems = {
    '8080': /--x: address 8080: missing port in address/,
    ':99999': /--x: address :99999: invalid port/,
    '::1:80': /--x: address ::1:80: expected HOST:PORT/,
    ':http': /--x: address :http: expected HOST:PORT/,
    '': /missing port in address/,
  };
  for (const [text, problem] of Object.entries(problems))
    assert.throws(() => parseBindAddress(text, 'x'), problem, text);
});
