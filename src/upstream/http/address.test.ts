import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { addressScope, literalScope } from './address.ts';

describe('addressScope', () => {
  it('knows where addresses lead', () => {
    const cases = {
      public: [
        '8.8.8.8',
        '172.15.0.1',
        '172.32.0.1',
        '192.167.1.1',
        '2606:4700::1',
        '::ffff:8.8.8.8',
        '64:ff9b::808:808',
      ],
      private: [
        '10.1.2.3',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.0.1',
        '100.64.0.1',
        'fd00::1',
        '::ffff:10.0.0.1',
        '64:ff9b::a00:1',
      ],
      loopback: [
        '127.0.0.1',
        '127.255.0.1',
        '0.0.0.0',
        '::1',
        '::',
        '::ffff:127.0.0.1',
        '::ffff:7f00:1',
        '64:ff9b::7f00:1',
      ],
      'link-local': [
        '169.254.169.254',
        'fe80::1',
        'fe80::1%eth0',
        '::ffff:169.254.169.254',
        '64:ff9b::a9fe:a9fe',
      ],
      reserved: ['224.0.0.1', '255.255.255.255', 'ff02::1', '2002:7f00:1::', 'registry.example', ''],
    };
    for (const [scope, addresses] of Object.entries(cases)) {
      for (const address of addresses) assert.equal(addressScope(address), scope, address);
    }
  });

  it('judges an IPv4 address the same in every dress', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        const scope = addressScope(address);
        for (const dress of [
          `::ffff:${address}`,
          `::ffff:${hex}`,
          `64:ff9b::${hex}`,
          `64:ff9b::${address}`,
        ]) {
          assert.equal(addressScope(dress), scope, dress);
        }
      }),
    );
  });
});

describe('literalScope', () => {
  it('needs no resolution for addresses in URLs and for localhost', () => {
    for (const url of [
      'http://127.1/',
      'http://2130706433/',
      'http://[::1]/',
      'http://localhost./',
      'http://a.localhost/',
    ]) {
      assert.equal(literalScope(new URL(url).hostname), 'loopback', url);
    }
    assert.equal(literalScope('registry.example'), undefined);
  });
});
