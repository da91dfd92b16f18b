import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cachedAndMirroredProblems } from '../rules/cached-and-mirrored.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import { parseMirrorConfig } from './parse.ts';
import { parseConfig } from '../parse-config.ts';

const TYPE = { apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1', kind: 'MirrorConfig' };

/** The lines a user sees for a document with these mirrors; empty when it is accepted. */
function complaints(...mirrors: unknown[]): string[] {
  const result = parseMirrorConfig({ ...TYPE, mirrors });
  return result.ok ? [] : problemsText(result.problems).split('\n');
}

function parsed(mirrors: unknown) {
  const result = parseMirrorConfig({ ...TYPE, mirrors });
  assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
  return result.config;
}

test('a host that names only its URL may be pulled from, and nothing else', () => {
  assert.deepEqual(parsed([{ upstream: 'quay.io', hosts: [{ host: 'https://m.example' }] }]), {
    mirrors: [
      {
        upstream: 'quay.io',
        hosts: [
          {
            host: 'https://m.example',
            capabilities: ['pull'],
            caBundleSecretReferenceName: undefined,
            overridePath: undefined,
          },
        ],
      },
    ],
  });
});

test('an empty list of capabilities, and null, mean what leaving it out means', () => {
  for (const capabilities of [[], null]) {
    const { mirrors } = parsed([
      { upstream: 'quay.io', hosts: [{ host: 'https://m.example', capabilities }] },
    ]);
    assert.deepEqual(mirrors[0]?.hosts[0]?.capabilities, ['pull']);
  }
});

test('reads every field', () => {
  const host = {
    host: 'http://10.0.0.1:5000/v2/quay',
    capabilities: ['resolve', 'pull'],
    caBundleSecretReferenceName: 'ca',
    overridePath: true,
  };
  assert.deepEqual(parsed([{ upstream: 'quay.io:443', hosts: [host] }]).mirrors[0]?.hosts, [host]);
});

test('a path may not lead upwards, however it is written', () => {
  const complaint = (path: string) =>
    complaints({ upstream: 'a.io', hosts: [{ host: `https://m.io${path}` }] });
  for (const path of ['/a/../b', '/..', '/%2E%2e/a', '/a/.%2E', '/..%2F..%2Fa']) {
    const [only = '', ...more] = complaint(path);
    assert.ok(only.endsWith("url path must not contain '..'"), path);
    assert.deepEqual(more, []);
  }
  for (const path of ['/./a', '/a/%2e', '/a/.']) {
    assert.ok(complaint(path)[0]?.endsWith("url path must not contain '.'"), path);
  }
  for (const path of ['', '/', '/a/b/', '/...', '/a..b', '/%FF', '/..a/.b'])
    assert.deepEqual(complaint(path), []);
});

test('a Secret name that leads elsewhere is refused, which the Gardener extension would find only later', () => {
  const hosts = [{ host: 'https://m.io', caBundleSecretReferenceName: '../ca' }];
  assert.deepEqual(complaints({ upstream: 'a.io', hosts }), [
    `mirrors[0].hosts[0].caBundleSecretReferenceName: Invalid value: "../ca": must be a plain name, without '/'`,
  ]);
});

test('an upstream that no client could connect to is refused', () => {
  assert.deepEqual(complaints({ upstream: '1.2.3.999', hosts: [{ host: 'https://m.io' }] }), [
    'mirrors[0].upstream: Invalid value: "1.2.3.999": is neither a host name nor an IPv4 address that a URL can hold',
  ]);
});

test('what the Gardener extension accepts in a Shoot is accepted there', () => {
  const hosts = [{ host: 'https://1.2.3.999/v2', caBundleSecretReferenceName: '../ca' }];
  const mirrors = [{ upstream: '1.2.3.999', hosts }];
  assert.ok(parseMirrorConfig({ ...TYPE, mirrors }, { carrier: 'Shoot' }).ok);
  assert.equal(complaints(...mirrors).length, 3);
});

test('a password in a URL is not repeated', () => {
  const [only = ''] = complaints({ upstream: 'a.io', hosts: [{ host: 'https://me:secret@m.io' }] });
  assert.match(only, /url must not contain user info$/);
  assert.doesNotMatch(only, /secret/);
});

test('an upstream that is cached as well is reported with its place among the mirrors', () => {
  const mirrors = [{ upstream: 'a.io' }, { upstream: 'quay.io' }];
  assert.deepEqual(
    cachedAndMirroredProblems(mirrors, ['docker.io', 'quay.io'], 'spec').map(({ text }) => text),
    [
      `spec.mirrors[1].upstream: Invalid value: "quay.io": upstream host 'quay.io' is also configured as a registry cache upstream`,
    ],
  );
  assert.deepEqual(cachedAndMirroredProblems(mirrors, ['docker.io']), []);
});

test('a text is read by its kind, and without one by its apiVersion', () => {
  const mirrors = [{ upstream: 'a.io', hosts: [{ host: 'https://m.io' }] }];
  const caches = [{ upstream: 'a.io' }];
  const read = (document: object) => {
    const result = parseConfig(JSON.stringify(document));
    assert.ok(result.ok, result.ok ? '' : problemsText(result.problems));
    return Object.keys(result.config)[0];
  };
  assert.equal(read({ ...TYPE, mirrors }), 'mirrors');
  assert.equal(read({ apiVersion: TYPE.apiVersion, mirrors }), 'mirrors');
  assert.equal(read({ apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', caches }), 'caches');
});

test('arbitrary values never make the parser throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (mirrors, host) => {
      assert.equal(typeof parseMirrorConfig({ ...TYPE, mirrors }).ok, 'boolean');
      assert.equal(typeof parseMirrorConfig({ ...TYPE, mirrors: [{ hosts: [{ host }] }] }).ok, 'boolean');
    }),
  );
});
