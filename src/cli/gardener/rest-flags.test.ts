import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubeconfigOf } from '../../../test/cluster/kubeconfig.ts';
import { createTestPki } from '../../../test/kit/certificate.ts';
import { tempDir } from '../../../test/kit/temp.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { inClusterConnection } from './in-cluster.ts';
import { restConnection } from './rest-flags.ts';

const IN_POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
const deps = { clock: new ManualClock(), logger: silentLogger, signal: new AbortController().signal };

function connect(flags: { kubeconfig?: string; master?: string }, environment: Record<string, string> = {}) {
  return restConnection({ kubeconfig: '', master: '', ...flags }, { environment }, deps);
}

function kubeconfigFor(server: string): string {
  const pki = createTestPki();
  return kubeconfigOf({ server, ca: pki.caPem, client: pki.client({ commonName: 'a' }) });
}

test('the flag decides, then KUBECONFIG, then the account of the pod', async () => {
  using own = tempDir();
  const one = own.write('one', kubeconfigFor('https://one.example'));
  const two = own.write('two', kubeconfigFor('https://two.example'));
  const environment = { ...IN_POD, KUBECONFIG: two };
  assert.equal((await connect({ kubeconfig: one }, environment)).server, 'https://one.example');
  assert.equal((await connect({}, environment)).server, 'https://two.example');
  await assert.rejects(connect({}, IN_POD), /service account/);
});

test('--master replaces the address of a kubeconfig, and is ignored without one', async () => {
  using own = tempDir();
  const kubeconfig = own.write('one', kubeconfigFor('https://one.example'));
  const server = async (master: string) => (await connect({ kubeconfig, master })).server;
  assert.equal(await server('https://other.example:6443/'), 'https://other.example:6443');
  assert.equal(await server('other.example:6443'), 'https://other.example:6443');
  await assert.rejects(connect({ master: 'https://other.example' }, IN_POD), /service account/);
  await assert.rejects(server('https://:'), /--master: expected an address/);
});

test('a missing kubeconfig, and a process outside of a pod, are reported in the words of Go', async () => {
  await assert.rejects(
    connect({ kubeconfig: '/nope' }),
    /^LarderError: stat \/nope: no such file or directory$/,
  );
  const outside = { environment: {} };
  await assert.rejects(
    inClusterConnection(outside, deps),
    /could not get in-cluster config: unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and/,
  );
});
