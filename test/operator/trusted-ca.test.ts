/** CA certificates of the cluster that every cache trusts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { REGISTRY_CONFIGS, SECRETS, STATEFUL_SETS } from '../../src/operator/cluster/resources.ts';
import { createTestPki } from '../kit/certificate.ts';
import { registryConfig } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const trustedCa = { namespace: 'kube-system', name: 'registry-ca-bundle' };
const CACHE = 'registry-docker-io';
const FILE = '_trusted.bundle.crt';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function publish(cluster: StandIn, content: string): void {
  const data = { 'bundle.crt': content };
  cluster.put(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: trustedCa, data });
}

const fileOf = (cluster: StandIn) => cluster.get(SECRETS, `${CACHE}-secrets`)?.data?.[FILE];

test('the CA certificates of the cluster reach each cache, are followed, and leave it, without a new pod', async () => {
  const [one, two] = [createTestPki().caPem, createTestPki().caPem];
  await using cluster = await startStandIn({ trustedCa });
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => cluster.get(STATEFUL_SETS, CACHE));
  const versionOf = () => cluster.get(STATEFUL_SETS, CACHE)?.metadata.resourceVersion;
  const before = versionOf();
  assert.equal(fileOf(cluster), undefined, 'a ConfigMap that is missing holds nothing up');

  publish(cluster, base64(one));
  await cluster.until(() => fileOf(cluster) === base64(one));
  publish(cluster, two);
  await cluster.until(() => fileOf(cluster) === base64(two));
  publish(cluster, 'damaged');
  await cluster.pass(5_000);
  assert.equal(fileOf(cluster), base64(two));
  await cluster.restart();
  await cluster.pass(20_000);
  assert.equal(fileOf(cluster), base64(two), 'a new operator took away what the cache had');
  cluster.remove(CONFIG_MAPS, trustedCa.name, trustedCa.namespace);
  await cluster.until(() => fileOf(cluster) === undefined);
  assert.equal(versionOf(), before);
});

test('an operator without that setting reads no such ConfigMap', async () => {
  await using cluster = await startStandIn();
  publish(cluster, createTestPki().caPem);
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => cluster.get(STATEFUL_SETS, CACHE));
  await cluster.pass(5_000);
  assert.equal(fileOf(cluster), undefined);
});
