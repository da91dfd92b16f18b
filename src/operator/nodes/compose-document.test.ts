import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MIRROR_API_VERSION, MIRROR_KIND } from '../../api/mirror-config/schema.ts';
import { EMPTY_DOCUMENT, formatNodeDocument, parseNodeDocument } from '../../fleet/node-document.ts';
import { readConfig, type ConfigObject } from '../configs/read-config.ts';
import { makePlan } from '../configs/plan.ts';
import { composeDocument, type DocumentInput } from './compose-document.ts';
import { MOST_BYTES } from './fit-document.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';

const hub: ConfigObject = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  metadata: { namespace: 'team', name: 'hub', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    caches: [
      { upstream: 'docker.io' },
      { upstream: 'quay.io', remoteURL: 'http://10.0.0.1:5000/', http: { tls: false } },
    ],
  },
};

function inputOf(objects: readonly ConfigObject[], more: Partial<DocumentInput> = {}): DocumentInput {
  return {
    plan: makePlan({
      objects,
      specOf: readConfig,
      existingUpstreams: () => [],
      lastValid: () => [],
      mayAct: () => true,
    }),
    bundle: PEM,
    addressOf: () => ({ clusterIP: '10.96.0.9', serverName: 'registry.larder-system.svc' }),
    bundleOf: () => undefined,
    isUnread: () => false,
    before: EMPTY_DOCUMENT,
    ...more,
  };
}

const composed = (...args: Parameters<typeof inputOf>) => composeDocument(inputOf(...args)).document;

test('nodes fall back to the remote URL of the cache', () => {
  const { caches } = composed([hub]);
  assert.deepEqual(
    caches?.map(({ server, endpoint }) => [server, endpoint]),
    [
      ['https://registry-1.docker.io', 'https://10.96.0.9:5000'],
      ['http://10.0.0.1:5000', 'http://10.96.0.9:5000'],
    ],
  );
});

test('an IPv6 address is in brackets', () => {
  const addressOf = () => ({ clusterIP: 'fd00::9', serverName: 's' });
  assert.equal(composed([hub], { addressOf }).caches?.[0]?.endpoint, 'https://[fd00::9]:5000');
});

test('a cache without an address is not published yet', () => {
  assert.deepEqual(composed([hub], { addressOf: () => undefined }).caches, []);
});

test('the revision changes with every change, and with nothing else', () => {
  const one = composed([hub]);
  assert.equal(composed([hub]).revision, one.revision);
  assert.notEqual(composed([hub], { bundle: `${PEM}\n` }).revision, one.revision);
});

test('the published entries of an object stay while its spec is invalid', () => {
  const before = parseNodeDocument(formatNodeDocument(composed([hub])), 'test');
  const broken = { ...hub, spec: { caches: [] } };
  assert.deepEqual(composed([broken], { before }), before);
  assert.deepEqual(composed([], { before }).caches, []);
});

const WITH_BUNDLES = { ...hub, apiVersion: MIRROR_API_VERSION, kind: MIRROR_KIND } as const;

function mirrors(name: string, second: number, ...upstreams: readonly string[]): ConfigObject {
  return {
    ...WITH_BUNDLES,
    metadata: { namespace: 'team', name, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: {
      mirrors: upstreams.map((upstream) => ({
        upstream,
        hosts: [
          { host: 'https://m.example', caBundleSecretReferenceName: 'ca' },
          { host: 'https://n.example', caBundleSecretReferenceName: 'ca' },
        ],
      })),
    },
  };
}

test('a bundle that several hosts use is published once', () => {
  const { bundles, mirrors: published } = composed([mirrors('a', 0, 'a.io', 'b.io')], {
    bundleOf: () => PEM,
  });
  assert.deepEqual(Object.values(bundles), [PEM]);
  const [name] = Object.keys(bundles);
  for (const { hosts } of published) for (const { ca } of hosts) assert.equal(ca, name);
});

test('the youngest object is left out if there is no room, but never the entries kept for an invalid object', () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map((name, second) => mirrors(name, second, `${name}.io`));
  const bundleOf: DocumentInput['bundleOf'] = ({ mirrors: { upstream } }) => upstream.repeat(60_000);
  const { document, leftOut } = composeDocument(inputOf(all.toReversed(), { bundleOf }));
  assert.deepEqual([...leftOut.keys()], ['e.io']);
  // The youngest published object becomes invalid, and an older one would take its place.
  const before = document;
  const [, , , d, e] = all as [ConfigObject, ConfigObject, ConfigObject, ConfigObject, ConfigObject];
  const older = { ...e, metadata: { ...e.metadata, creationTimestamp: '2025-01-01T00:00:00Z' } };
  const next = composeDocument(
    inputOf([...all.slice(0, 3), { ...d, spec: { mirrors: [] } }, older], { bundleOf, before }),
  );
  assert.ok(next.document.mirrors.some(({ upstream }) => upstream === 'd.io'));
  assert.deepEqual([...next.leftOut.keys()], ['c.io']);
});

test('while a Secret cannot be read, the published entry of its mirrors stays, and all others are current', () => {
  const first = mirrors('a', 0, 'a.io');
  const before = composed([first], { bundleOf: () => PEM });
  const isUnread: DocumentInput['isUnread'] = ({ mirrors: { upstream } }) => upstream === 'a.io';
  const now = composed([first, hub], { before, isUnread });
  assert.deepEqual([now.mirrors, now.bundles], [before.mirrors, before.bundles]);
  assert.equal(now.caches.length, 2);
  const other = mirrors('b', 0, 'a.io');
  assert.deepEqual(composed([other], { before, isUnread }).mirrors, []);
});

test('property: a deleted object leaves the document, whatever the others claim', () => {
  const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
  const some = fc.subarray(letters);
  fc.assert(
    fc.property(some, some, fc.integer({ min: 1, max: 120_000 }), (there, stays, repeat) => {
      const objects = (names: readonly string[]): ConfigObject[] => [
        ...names.map((name) => mirrors(name, letters.indexOf(name), `${name}.io`)),
        ...(names.includes('a') ? [hub] : []),
      ];
      const bundleOf: DocumentInput['bundleOf'] = ({ mirrors: { upstream } }) => upstream.repeat(repeat);
      const before = composed(objects(there), { bundleOf });
      const left = there.filter((name) => stays.includes(name));
      const { document, leftOut } = composeDocument(inputOf(objects(left), { bundleOf, before }));
      assert.ok(Buffer.byteLength(formatNodeDocument(document)) <= MOST_BYTES);
      const published = [...document.caches, ...document.mirrors].map(({ upstream }) => upstream);
      const wanted = [
        ...left.map((name) => `${name}.io`),
        ...(left.includes('a') ? ['docker.io', 'quay.io'] : []),
      ];
      assert.deepEqual([...published, ...leftOut.keys()].sort(), wanted.sort());
    }),
    { numRuns: 50 },
  );
});

test('a kept entry of an invalid object gives way to the owner of its upstream', () => {
  const younger = mirrors('younger', 2, 'quay.io');
  const before = parseNodeDocument(formatNodeDocument(composed([younger])), 'test');
  const broken = { ...younger, spec: { mirrors: [] } };
  const { document, leftOut } = composeDocument(
    inputOf([mirrors('older', 1, 'quay.io'), broken], { before }),
  );
  assert.deepEqual(
    document.mirrors.map(({ askedBy }) => askedBy),
    ['MirrorConfig team/older'],
  );
  assert.equal(leftOut.size, 0);
});
