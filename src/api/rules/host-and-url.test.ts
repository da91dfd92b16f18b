import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hostPortErrors,
  isUnusableHost,
  isUnusableMirror,
  isUnusableOrigin,
  maskUserInfo,
  originUrlErrors,
} from './host-and-url.ts';

test('accepts host names and IPv4 addresses, with a port or without', () => {
  for (const host of [
    'example.com',
    'example.com:5000',
    'example.com:1',
    'example.com:65535',
    '127.0.0.1',
    'localhost',
  ]) {
    assert.deepEqual(hostPortErrors(host), [], host);
  }
});

test('gives one error for each way to get a host wrong', () => {
  const wrong = [
    '',
    'docker.io.',
    '.docker.io',
    'https://docker.io',
    'A.io',
    '[::1]',
    'a.io:',
    'a.io:0',
    'a.io:0443',
    'a.io:65536',
  ];
  for (const host of [
    ...wrong,
    'example.com/foo',
    'example.com?foo=bar',
    `${'n'.repeat(250)}.com`,
    'a.io\n',
  ]) {
    assert.equal(hostPortErrors(host).length, 1, host);
  }
});

test('names the port first when both port and host are wrong', () => {
  const [port, host] = hostPortErrors('A.io:0');
  assert.equal(port, "port '0' is not valid, valid port must be in the range [1, 65535]");
  assert.match(String(host), /^a lowercase RFC 1123 subdomain must consist of/);
});

test('accepts a URL of http or https with nothing behind the host', () => {
  for (const url of [
    'https://example.com',
    'http://example.com:5000',
    'HTTPS://example.com/',
    'https://a.io?',
    'https://a.io#',
  ]) {
    assert.deepEqual(originUrlErrors(url), [], url);
  }
});

test('gives every error of a URL, in the order of the Gardener extension', () => {
  assert.deepEqual(originUrlErrors('https://me@a.io:0/x?y=1#z'), [
    "port '0' is not valid, valid port must be in the range [1, 65535]",
    'url must not contain a path',
    'url must not contain user info',
    'url must not contain query parameters',
    'url must not contain a fragment',
  ]);
});

test('knows the hosts that pass and that no URL can hold', () => {
  for (const host of ['1.2.3.999', '1.2.3.4.5']) {
    assert.ok(isUnusableHost(host));
    assert.ok(isUnusableOrigin(`https://${host}`));
    assert.ok(isUnusableMirror(`https://${host}/v2/a`));
  }
  for (const host of ['1.2.3.4', 'a.io:5000', 'A.io', '']) assert.ok(!isUnusableHost(host), host);
  for (const url of ['https://a.io', 'https://1.2.3.999/x', 'x'])
    assert.ok(!isUnusableOrigin(url) && !isUnusableMirror(url.replace('/x', '/..')), url);
});

test('masks whatever may be user information', () => {
  assert.equal(maskUserInfo('https://me:pw@a.io/x'), 'https://********@a.io/x');
  assert.equal(maskUserInfo('https://me:p@w/@a.io'), 'https://********@a.io');
  assert.equal(maskUserInfo('me:pw@a.io'), '********@a.io');
  assert.equal(maskUserInfo('https://a.io/x'), 'https://a.io/x');
  assert.equal(maskUserInfo('https://@a.io'), 'https://@a.io');
});
