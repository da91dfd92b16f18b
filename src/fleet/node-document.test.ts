import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestPki } from '../../test/kit/index.ts';
import { isLarderError, LarderError } from '../kit/errors.ts';
import { EMPTY_DOCUMENT, formatNodeDocument, parseNodeDocument } from './node-document.ts';

const CACHE = {
  upstream: 'docker.io',
  server: 'https://registry-1.docker.io',
  endpoint: 'https://10.96.0.12:5000',
  serverName: 'registry-docker-io.larder-system.svc',
};
const MIRROR = {
  upstream: 'quay.io',
  server: 'https://quay.io',
  hosts: [{ host: 'https://mirror.example/v2/q' }],
};
const ca = createTestPki().caPem;

function problemsOf(document: object | string): string[] {
  try {
    parseNodeDocument(typeof document === 'string' ? document : JSON.stringify(document), 'n.json');
  } catch (error) {
    assert.ok(error instanceof LarderError && error.code === 'CONFIG_INVALID');
    return error.message.split('\n');
  }
  return [];
}

test('a document is read with its defaults, and without fields that a newer operator may add', () => {
  const text = JSON.stringify({ revision: '7f3c', ca, caches: [{ ...CACHE, later: 1 }], mirrors: [MIRROR] });
  assert.deepEqual(parseNodeDocument(text, 'n.json'), {
    revision: '7f3c',
    ca,
    bundles: {},
    caches: [CACHE],
    mirrors: [{ ...MIRROR, hosts: [{ ...MIRROR.hosts[0], capabilities: ['pull'], overridePath: false }] }],
  });
});

test('an empty file means that there is nothing to do', () => {
  assert.deepEqual(parseNodeDocument(' \n', 'n.json'), EMPTY_DOCUMENT);
});

test('caches without TLS need no authority', () => {
  assert.deepEqual(problemsOf({ ...cacheWith({ endpoint: 'http://10.96.0.12:5000' }), ca: '' }), []);
});

test('a document is read as it was written, and one that nodes would refuse is not written', () => {
  const document = { revision: '7f3c', ca, caches: [CACHE], mirrors: [MIRROR] };
  const text = formatNodeDocument(document);
  assert.deepEqual(parseNodeDocument(text, 'n.json'), parseNodeDocument(JSON.stringify(document), 'n.json'));
  assert.throws(
    () => formatNodeDocument({ ...document, ca: '' }),
    (error) => isLarderError(error, 'CONFIG_INVALID'),
  );
});

describe('refused, with the invalid field:', () => {
  const wrong: [string, object | string, RegExp][] = [
    ['no JSON', '{"ca": hush', /^n\.json: must be a JSON document$/],
    ['no revision', {}, /^n\.json: revision: /],
    ['caches without an authority', { revision: '', caches: [CACHE] }, /^n\.json: ca: must hold a PEM/],
    ['a name that leads out of the directory', cacheWith({ upstream: '../etc' }), /caches\[0\]\.upstream: /],
    ['the name of the default', cacheWith({ upstream: '_default' }), /caches\[0\]\.upstream: /],
    [
      'a cache that is not reached by HTTP',
      cacheWith({ endpoint: 'ftp://10.0.0.1:5000' }),
      /caches\[0\]\.endpoint: must be an http\(s\) URL/,
    ],
    ['a login in a URL', mirrorWith({ host: 'https://u:p@m.example' }), /hosts\[0\]\.host: /],
    ['a quote in a URL', mirrorWith({ host: 'https://m.example/"]' }), /hosts\[0\]\.host: /],
    [
      'a capability that old containerds do not know',
      mirrorWith({ host: 'https://m', capabilities: ['referrers'] }),
      /capabilities\[0\]: /,
    ],
    [
      'a bundle that is not there',
      mirrorWith({ host: 'https://m', ca: 'toString' }),
      /hosts\[0\]\.ca: must be the name of one of the bundles/,
    ],
    [
      'one upstream twice',
      { revision: '', ca, caches: [CACHE], mirrors: [{ ...MIRROR, upstream: 'docker.io' }] },
      /mirrors\[0\]\.upstream: docker\.io is listed twice/,
    ],
    [
      'one host twice',
      { revision: '', mirrors: [{ ...MIRROR, hosts: [MIRROR.hosts[0], MIRROR.hosts[0]] }] },
      /mirrors\[0\]\.hosts: /,
    ],
  ];
  for (const [title, document, message] of wrong)
    test(title, () => assert.match(problemsOf(document).join('\n'), message));
});

test('text that is not JSON is not quoted in the message', () => {
  assert.doesNotMatch(problemsOf('{"ca": hush').join(), /hush/);
});

function cacheWith(change: object): object {
  return { revision: '', ca, caches: [{ ...CACHE, ...change }] };
}

function mirrorWith(host: object): object {
  return { revision: '', mirrors: [{ ...MIRROR, hosts: [host] }] };
}
