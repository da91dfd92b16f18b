import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_DOCUMENT, formatNodeDocument, parseNodeDocument } from '../../node-agent/node-document.ts';
import { readConfig, type ConfigObject } from '../configs/read-config.ts';
import { makePlan } from '../configs/plan.ts';
import { composeDocument, type DocumentInput } from './compose-document.ts';

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
    plan: makePlan({ objects, asked: readConfig, has: () => [], mayAct: () => true }),
    bundle: PEM,
    addressOf: () => ({ clusterIP: '10.96.0.9', serverName: 'registry.larder-system.svc' }),
    bundleOf: () => undefined,
    before: EMPTY_DOCUMENT,
    ...more,
  };
}

test('nodes fall back to where the cache itself gets the upstream from', () => {
  const { caches } = composeDocument(inputOf([hub]));
  assert.deepEqual(
    caches?.map(({ server, endpoint }) => [server, endpoint]),
    [
      ['https://registry-1.docker.io', 'https://10.96.0.9:5000'],
      ['http://10.0.0.1:5000', 'http://10.96.0.9:5000'],
    ],
  );
});

test('an address of IPv6 stands in brackets', () => {
  const addressOf = () => ({ clusterIP: 'fd00::9', serverName: 's' });
  assert.equal(
    composeDocument(inputOf([hub], { addressOf })).caches?.[0]?.endpoint,
    'https://[fd00::9]:5000',
  );
});

test('a cache without an address is not told of yet', () => {
  assert.deepEqual(composeDocument(inputOf([hub], { addressOf: () => undefined })).caches, []);
});

test('the revision changes with every change, and with nothing else', () => {
  const one = composeDocument(inputOf([hub]));
  assert.equal(composeDocument(inputOf([hub])).revision, one.revision);
  assert.notEqual(composeDocument(inputOf([hub], { bundle: `${PEM}\n` })).revision, one.revision);
});

test('what nodes were told for an object stays while its spec is invalid', () => {
  const before = parseNodeDocument(formatNodeDocument(composeDocument(inputOf([hub]))), 'test');
  const broken = { ...hub, spec: { caches: [] } };
  assert.deepEqual(composeDocument(inputOf([broken], { before })), before);
  assert.deepEqual(composeDocument(inputOf([], { before })).caches, []);
});
