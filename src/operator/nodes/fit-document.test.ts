import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatNodeDocument } from '../../fleet/node-document.ts';
import { fitDocument, MOST_BYTES, type EntryCandidate } from './fit-document.ts';

const CA = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';

function mirror(
  upstream: string,
  hosts: readonly string[],
  bundles: Record<string, string> = {},
): EntryCandidate {
  const names = Object.keys(bundles);
  return {
    list: 'mirrors',
    entry: {
      upstream,
      server: `https://${upstream}`,
      hosts: hosts.map((host, index) => ({
        host,
        capabilities: ['pull'],
        overridePath: false,
        ...(names.length > 0 && { ca: names[index % names.length] }),
      })),
      askedBy: 'MirrorConfig team/mirrors',
    },
    bundles,
  };
}

function cache(upstream: string): EntryCandidate {
  const endpoint = 'https://10.96.0.9:5000';
  return {
    list: 'caches',
    entry: {
      upstream,
      server: `https://${upstream}`,
      endpoint,
      serverName: 's',
      askedBy: 'RegistryConfig a/b',
    },
  };
}

test('hosts with the same bundle share it: five with a distribution’s 220 KB fit', () => {
  const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => `https://${name}.example`);
  const bundles = { distribution: 'x'.repeat(220 * 1024) };
  const { content, leftOut } = fitDocument(CA, [mirror('quay.io', hosts, bundles)]);
  assert.equal(leftOut.size, 0);
  assert.ok(formatNodeDocument({ revision: '', ...content }).length < 300_000);
});

test('an entry without room is left out with a reason, and a later one that fits is published', () => {
  const large = ['a.io', 'b.io', 'c.io', 'd.io', 'e.io'].map((upstream) =>
    mirror(upstream, ['https://m.example'], { [upstream]: 'x'.repeat(240_000) }),
  );
  const { content, leftOut } = fitDocument(CA, [...large, cache('docker.io')]);
  assert.deepEqual(
    content.mirrors.map(({ upstream }) => upstream),
    ['a.io', 'b.io', 'c.io', 'd.io'],
  );
  assert.deepEqual(Object.keys(content.bundles), ['a.io', 'b.io', 'c.io', 'd.io']);
  assert.equal(content.caches.length, 1);
  assert.deepEqual([...leftOut.keys()], ['e.io']);
  assert.match(
    leftOut.get('e.io') ?? '',
    /it takes 240\d+ bytes, and of the 1000000 .* leave 39\d+: use fewer/,
  );
});

test('an entry that nodes would refuse is left out with the problem, and delays no other', () => {
  const { content, leftOut } = fitDocument(CA, [
    mirror('quay.io', ['https://m.example/?']),
    cache('docker.io'),
  ]);
  assert.deepEqual([content.mirrors.length, content.caches.length], [0, 1]);
  assert.match(leftOut.get('quay.io') ?? '', /hosts\[0\]\.host: must be an http\(s\) URL/);
});

test('an upstream is published once, for the first candidate', () => {
  const { content, leftOut } = fitDocument(CA, [cache('quay.io'), mirror('quay.io', ['https://m.example'])]);
  assert.deepEqual([content.caches.length, content.mirrors.length], [1, 0]);
  assert.match(leftOut.get('quay.io') ?? '', /another object has published it/);
});

test('property: nodes accept every document, it is below its limit, and each candidate is published or reported', () => {
  const pem = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', '__proto__'),
    // JSON writes these with one byte, two and six.
    text: fc.constantFrom('x', '\n', '\u0001', 'é'),
    length: fc.integer({ min: 1, max: 262_144 }),
  });
  const host = fc.constantFrom('https://m.example', 'http://n.example/v2', 'https://o.example/"', 'no url');
  const kind = fc.record({
    isCache: fc.boolean(),
    hosts: fc.array(host, { maxLength: 4 }),
    pems: fc.array(pem, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(kind, { maxLength: 12 }), (kinds) => {
      const candidates = kinds.map(({ isCache, hosts, pems }, index) =>
        isCache
          ? cache(`c${index}.io`)
          : mirror(
              `m${index}.io`,
              hosts,
              Object.fromEntries(
                pems.map(({ name, text, length }) => [`${name}${length}`, text.repeat(length)]),
              ),
            ),
      );
      const { content, leftOut } = fitDocument(CA, candidates);
      const text = formatNodeDocument({ revision: '0'.repeat(16), ...content });
      assert.ok(Buffer.byteLength(text) <= MOST_BYTES);
      const published = [...content.caches, ...content.mirrors].map(({ upstream }) => upstream);
      assert.deepEqual(
        [...published, ...leftOut.keys()].sort(),
        candidates.map(({ entry }) => entry.upstream).sort(),
      );
    }),
    { numRuns: 60 },
  );
});
