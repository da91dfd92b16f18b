import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { requireConfidential, type Connection } from './confidential.ts';

const HTTPS = new URL('https://cache.example');
const HTTP = new URL('http://cache.example');

suite('a login', () => {
  for (const [what, connection, externalUrl] of [
    ['over TLS from anywhere', { remoteAddress: '203.0.113.7', encrypted: true }, undefined],
    ['from this machine', { remoteAddress: '127.0.0.1' }, undefined],
    ['from this machine by another of its loopback addresses', { remoteAddress: '127.0.0.2' }, HTTP],
    ['from this machine over IPv6', { remoteAddress: '::1' }, undefined],
    ['from this machine to a listener of both families', { remoteAddress: '::ffff:127.0.0.1' }, undefined],
    ['through a proxy that ends TLS', { remoteAddress: '10.0.0.9' }, HTTPS],
  ] satisfies [string, Connection, URL | undefined][]) {
    test(`${what} is confidential`, () => requireConfidential(connection, externalUrl));
  }

  for (const [what, connection, externalUrl] of [
    ['from another machine', { remoteAddress: '203.0.113.7' }, undefined],
    ['from a private network', { remoteAddress: '10.0.0.9' }, HTTP],
    ['over IPv6', { remoteAddress: '2001:db8::1' }, undefined],
    ['from another machine to a listener of both families', { remoteAddress: '::ffff:10.0.0.9' }, undefined],
    ['from a client that has gone', { remoteAddress: undefined }, undefined],
  ] satisfies [string, Connection, URL | undefined][]) {
    test(`${what} in clear is refused`, () => {
      assert.throws(() => requireConfidential(connection, externalUrl), { code: 'TLS_REQUIRED' });
    });
  }
});
