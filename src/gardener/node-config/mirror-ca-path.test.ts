import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorCaPath } from './mirror-ca-path.ts';

const nameOf = (upstream: string, host: string): string =>
  mirrorCaPath(upstream, host).replace('/etc/containerd/certs.d/', '');

test('the path has the upstream and the host without its scheme', () => {
  for (const [upstream, host, expected] of [
    ['docker.io', 'https://private-mirror.internal', 'docker.io/private-mirror.internal-ca-bundle.pem'],
    [
      'my-registry.io:5000',
      'https://mirror.io:8443/v2/p',
      'my-registry.io-5000/mirror.io-8443-v2-p-ca-bundle.pem',
    ],
    ['a.io', 'http://m.io', 'a.io/m.io-ca-bundle.pem'],
    ['a.io', 'https://http://m.io', 'a.io/m.io-ca-bundle.pem'],
    ['a.io', 'HTTPS://m.io', 'a.io/HTTPS---m.io-ca-bundle.pem'],
    ['', 'https://m.io', 'm.io-ca-bundle.pem'],
  ] as const)
    assert.equal(nameOf(upstream, host), expected);
});

test('a name of more than 255 bytes is cut, and ends with a hash of the host with its scheme', () => {
  const host = `https://${'a'.repeat(250)}.io`;
  const [, name = ''] = nameOf('a.io', host).split('/');
  assert.equal(name.length, 255);
  assert.match(name, /^a{235}-[0-9a-f]{5}-ca-bundle\.pem$/);
  assert.notEqual(nameOf('a.io', host.replace('https', 'http')), nameOf('a.io', host));
  assert.equal(nameOf('a.io', `https://${'a'.repeat(241)}`), `a.io/${'a'.repeat(241)}-ca-bundle.pem`);
});

test('a cut in a character leaves one replacement for each of its bytes, as in JSON that Go writes', () => {
  for (const [before, bytes] of [
    [232, 3],
    [233, 2],
    [234, 1],
    [231, 0],
  ] as const) {
    const name = nameOf('a.io', `https://${'a'.repeat(before)}😀${'b'.repeat(20)}`);
    const kept = bytes === 0 ? '😀' : '\uFFFD'.repeat(bytes);
    assert.ok(name.startsWith(`a.io/${'a'.repeat(before)}${kept}-`), name);
  }
});
