import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { formatAddress } from '../kit/listen.ts';
import {
  option,
  parseAddress,
  parseBytes,
  parseLabels,
  parseLoopback,
  parseObjectKey,
  parseTime,
  parseTolerations,
} from './options.ts';

test('the environment twin of an option is its name in capitals', () => {
  assert.equal(option('--admin-address <host:port>', 'x').envVar, 'LARDER_ADMIN_ADDRESS');
  assert.equal(option('--store <dir>', 'x').envVar, 'LARDER_STORE');
});

test('an option does not take an empty value', () => {
  const { parseArg } = option('--store <dir>', 'x');
  assert.equal(parseArg?.('a b', undefined), 'a b');
  assert.throws(() => parseArg?.('', undefined), InvalidArgumentError);
});

describe('an address', () => {
  test('of a listener without login must be a loopback address', () => {
    assert.deepEqual(parseLoopback('127.0.0.2:1'), { host: '127.0.0.2', port: 1 });
    assert.deepEqual(parseLoopback('[::1]:1'), { host: '::1', port: 1 });
    for (const text of ['0.0.0.0:1', '10.0.0.1:1', '[::]:1', 'localhost:1', '127.0.0.1.example:1'])
      assert.throws(() => parseLoopback(text), InvalidArgumentError, text);
  });

  for (const [text, host, port] of [
    ['127.0.0.1:5000', '127.0.0.1', 5000],
    ['localhost:0', 'localhost', 0],
    ['0.0.0.0:65535', '0.0.0.0', 65_535],
    ['[::1]:5000', '::1', 5000],
    ['[::ffff:10.0.0.1]:80', '::ffff:10.0.0.1', 80],
  ] as const) {
    test(`${text} is a host and a port`, () => assert.deepEqual(parseAddress(text), { host, port }));
  }

  test('needs both, with an IPv6 host in brackets', () => {
    for (const text of [
      '',
      '5000',
      ':5000',
      'host',
      'host:',
      'host:65536',
      'host:-1',
      'host:80x',
      '::1:5000',
      '[::1]',
      'a b:80',
      'http://h:80',
    ]) {
      assert.throws(
        () => parseAddress(text),
        (error) => error instanceof InvalidArgumentError && error.message.includes(`found "${text}"`),
        text,
      );
    }
  });

  test('is read back as it is shown', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
        fc.integer({ min: 0, max: 65_535 }),
        (host, port) => {
          assert.deepEqual(parseAddress(formatAddress({ host, port })), { host, port });
        },
      ),
    );
  });
});

test('a size is a quantity of bytes above 0', () => {
  assert.equal(parseBytes('20Gi'), 20 * 2 ** 30);
  assert.equal(parseBytes('1500k'), 1_500_000);
  assert.equal(parseBytes('7'), 7);
  for (const text of ['', '0', '-1Gi', '1 Gi', '1GiB', 'x'])
    assert.throws(() => parseBytes(text), InvalidArgumentError, text);
});

describe('labels', () => {
  test('are pairs of name and value', () => {
    assert.deepEqual(parseLabels('azure.workload.identity/use=true,team=a_B.1,empty='), {
      'azure.workload.identity/use': 'true',
      team: 'a_B.1',
      empty: '',
    });
  });

  test('are refused where the API server would refuse them', () => {
    for (const text of ['', 'a', '=a', 'a=b,', 'a=b=c', 'a b=c', 'a=-b', '/a=b', 'A.example/a=b', 'a/b/c=d'])
      assert.throws(() => parseLabels(text), InvalidArgumentError, text);
    assert.throws(() => parseLabels(`${'a'.repeat(64)}=b`), InvalidArgumentError);
    assert.throws(() => parseLabels(`a=${'b'.repeat(64)}`), InvalidArgumentError);
  });
});

test('tolerations are read as Kubernetes knows them, and anything else is an error that shows the place', () => {
  const tolerations = [
    { operator: 'Exists' },
    { key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 60 },
  ];
  assert.deepEqual(parseTolerations(JSON.stringify(tolerations)), tolerations);
  for (const [text, place] of [
    ['spot', 'Invalid input'],
    ['{}', 'Invalid input'],
    ['[{"operator":"Is"}]', '0.operator: '],
    ['[{"keys":"a"}]', '0: '],
  ] as const)
    assert.throws(
      () => parseTolerations(text),
      (error: Error) => error.message.includes(`found "${text}": ${place}`),
    );
});

test('a time of RFC 3339 is read to the millisecond, and a date alone is refused', () => {
  assert.equal(parseTime('2026-11-30T20:00:00Z'), Date.UTC(2026, 10, 30, 20));
  assert.equal(parseTime('2026-11-30T20:00:00.5+01:00'), Date.UTC(2026, 10, 30, 19, 0, 0, 500));
  for (const text of ['2026-11-30', 'now', '', '2026-13-30T20:00:00Z'])
    assert.throws(() => parseTime(text), /expected a time such as/);
});

test('an object is read as namespace and name', () => {
  assert.deepEqual(parseObjectKey('kube-system/ca.bundle'), { namespace: 'kube-system', name: 'ca.bundle' });
  for (const text of ['ca', '/ca', 'a/', 'a/b/c', 'A/b', 'a.b/c'])
    assert.throws(() => parseObjectKey(text), /expected NAMESPACE\/NAME/);
});
