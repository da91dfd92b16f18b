import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../kit/logger.ts';
import { createObjectStore } from '../../kube/informer/object-store.ts';
import { isEstablished, type Crd } from '../cluster/resources.ts';
import { createServiceMonitorKind } from './service-monitors.ts';

function crd(version: number, established: 'True' | 'False' | undefined): Crd {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: 'servicemonitors.monitoring.coreos.com',
      uid: 'one',
      resourceVersion: String(version),
    },
    ...(established !== undefined && {
      status: { conditions: [{ type: 'Established', status: established }] },
    }),
  };
}

test('every cache is reconciled when the cluster begins to serve ServiceMonitors, and at no other change of their CRD', () => {
  const { store, writer } = createObjectStore<Crd, boolean>(
    { logger: silentLogger },
    { transform: isEstablished },
  );
  const kind = createServiceMonitorKind(store);
  const woken: string[] = [];
  kind.arrivals(() => ['hub', 'quay']).onChange((key) => woken.push(key));

  writer.replace({ items: [], resourceVersion: '1' });
  assert.equal(kind.isServed(), false);
  writer.apply('ADDED', crd(2, undefined));
  writer.apply('MODIFIED', crd(3, 'False'));
  assert.deepEqual([kind.isServed(), woken], [false, []]);
  writer.apply('MODIFIED', crd(4, 'True'));
  assert.deepEqual([kind.isServed(), woken], [true, ['hub', 'quay']]);
  writer.apply('MODIFIED', crd(5, 'True'));
  writer.apply('DELETED', crd(6, 'True'));
  assert.deepEqual([kind.isServed(), woken], [false, ['hub', 'quay']]);
  writer.apply('ADDED', crd(7, 'True'));
  assert.deepEqual([kind.isServed(), woken.length], [true, 4]);
});
