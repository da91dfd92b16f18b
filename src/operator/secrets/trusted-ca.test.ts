import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestPki } from '../../../test/kit/certificate.ts';
import { createLogger } from '../../kit/logger.ts';
import { createObjectStore } from '../../kube/informer/object-store.ts';
import type { ConfigMap } from '../../kube/objects/config-maps.ts';
import { createTrustedCa } from './trusted-ca.ts';

const KEY = { namespace: 'kube-system', name: 'registry-ca-bundle' };
const CA = createTestPki().caPem;
const OTHER = createTestPki().caPem;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function follow() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json' }, (line) => lines.push(line));
  const { store, writer } = createObjectStore<ConfigMap>({ logger });
  const view = createTrustedCa({ store, logger }, KEY);
  let changes = 0;
  let version = 0;
  view.onChange(() => (changes += 1));
  return {
    lines,
    get: () => view.get(),
    changes: () => changes,
    /** Lists the ConfigMap with this data, or none. */
    put(data?: Readonly<Record<string, string>>): void {
      version += 1;
      const metadata = { ...KEY, uid: 'u', resourceVersion: String(version) };
      const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...(data && { data }) };
      writer.replace({ items: data === undefined ? [] : [object], resourceVersion: String(version) });
    },
  };
}

test('certificates are read as PEM, and in base64 as gardenlet writes them', () => {
  for (const content of [CA, base64(CA)]) {
    const followed = follow();
    followed.put({ 'bundle.crt': content });
    assert.deepEqual(followed.get(), { bundle: CA, problem: undefined });
    assert.deepEqual(followed.lines, []);
  }
});

test('a change and a removal are followed, and equal contents wake nobody', () => {
  const followed = follow();
  followed.put({ 'bundle.crt': CA });
  followed.put({ 'bundle.crt': base64(CA) });
  assert.equal(followed.changes(), 1);
  followed.put({ 'bundle.crt': base64(`${CA}${OTHER}`) });
  assert.equal(followed.get().bundle, `${CA}${OTHER}`);
  followed.put();
  assert.deepEqual(followed.get(), { bundle: undefined, problem: undefined });
  assert.equal(followed.changes(), 3);
});

const broken: readonly { what: string; data: Readonly<Record<string, string>>; problem: RegExp }[] = [
  { what: 'no key', data: { 'ca.crt': CA }, problem: /^expected the key bundle\.crt$/ },
  { what: 'no certificate', data: { 'bundle.crt': base64('hush') }, problem: /PEM form in bundle\.crt/ },
  {
    what: 'one damaged certificate among others',
    data: { 'bundle.crt': `${CA}${OTHER.replace('MII', 'XXX')}${OTHER.replace(/MI/, '!!')}` },
    problem: /PEM form in bundle\.crt/,
  },
  {
    what: 'more than 256 KiB',
    data: { 'bundle.crt': base64(CA + ' '.repeat(256 * 1024)) },
    problem: /^bundle\.crt has \d+ bytes, but at most 262144 are allowed/,
  },
];
for (const { what, data, problem } of broken) {
  test(`contents that cannot be used leave what was trusted before, with one warning: ${what}`, () => {
    const followed = follow();
    followed.put({ 'bundle.crt': CA });
    followed.put(data);
    followed.put({ ...data, more: '' });
    assert.equal(followed.get().bundle, CA);
    assert.match(followed.get().problem ?? '', problem);
    assert.equal(followed.lines.length, 1);
    assert.match(followed.lines.join(''), /kube-system\/registry-ca-bundle/);
    assert.doesNotMatch(followed.lines.join(''), /hush/);
    followed.put({ 'bundle.crt': OTHER });
    assert.deepEqual(followed.get(), { bundle: OTHER, problem: undefined });
  });
}
