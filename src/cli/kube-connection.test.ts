import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestPki } from '../../test/kit/certificate.ts';
import { tempDir } from '../../test/kit/temp.ts';
import { kubeconfigOf } from '../../test/cluster/kubeconfig.ts';
import { ManualClock } from '../kit/clock.ts';
import { isLarderError, type ErrorCode } from '../kit/errors.ts';
import { silentLogger } from '../kit/logger.ts';
import { kubeConnectionOf, type KubeOptions } from './kube-connection.ts';

const IN_POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

function connect(options: KubeOptions, environment: Readonly<Record<string, string>> = {}) {
  const deps = { clock: new ManualClock(), logger: silentLogger, signal: new AbortController().signal };
  return kubeConnectionOf(options, { environment }, deps);
}

function refusedWith(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => isLarderError(error, code) && message.test(error.message);
}

test('the kubeconfig overrides the service account, and the flag the namespace of the context', async () => {
  using own = tempDir();
  const pki = createTestPki();
  const access = { server: 'https://api.example', ca: pki.caPem, client: pki.client({ commonName: 'a' }) };
  const kubeconfig = own.write('admin.conf', kubeconfigOf(access));
  const given = await connect({ kubeconfig, namespace: 'larder-system' }, IN_POD);
  assert.deepEqual([given.server, given.namespace], ['https://api.example', 'larder-system']);
  assert.equal((await connect({ kubeconfig, context: 'test' })).namespace, 'default');
  await assert.rejects(
    connect({ kubeconfig, context: 'other' }),
    refusedWith('KUBE_CONNECTION_INVALID', /other/),
  );
});

test('without a kubeconfig the process must run in a pod that has a service account', async () => {
  await assert.rejects(connect({}), refusedWith('USAGE', /--kubeconfig is needed/));
  await assert.rejects(
    connect({ context: 'test' }, IN_POD),
    refusedWith('USAGE', /--context needs --kubeconfig/),
  );
  await assert.rejects(connect({}, IN_POD), refusedWith('KUBE_CONNECTION_INVALID', /serviceaccount/));
});
