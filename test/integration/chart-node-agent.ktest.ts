/** Tests that a node gives the chart's Pod of the node agent everything it needs, and nothing else. A shell replaces the agent. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createHelm } from '../cluster/helm.ts';
import { startCluster, type Cluster } from '../cluster/start-cluster.ts';
import { tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { PARTS } from '../parts/parts.ts';
import { chartObjects } from './chart-objects.ts';

/** Limit for a kubelet that pulls an image and starts a container, which takes seconds on a busy machine. */
const POD_LIMIT_MS = 40_000;

for (const containerd of ['containerd2', 'containerd1'] as const) {
  describe(
    `the Pod of the node agent on containerd ${PARTS[containerd].version}`,
    requireParts(GROUPS.cluster),
    () => {
      const cleanup = new AsyncDisposableStack();
      after(() => cleanup.disposeAsync());
      const own = cleanup.use(tempDir());
      let cluster: Cluster;
      before(async () => {
        cluster = cleanup.use(await startCluster({ containerd }));
      });

      test("reads containerd's configuration, writes only where it has to, and is root without a capability", async () => {
        const file = own.write('containerd/config.toml', 'version = 3\n');
        chmodSync(file, 0o600);
        const [certsDir, stateDir] = [join(own.path, 'containerd/certs.d'), join(own.path, 'state')];
        const values = {
          image: { repository: 'any' },
          nodeAgent: { containerdConfig: file, certsDir, stateDir },
        };
        const { spec } = (await chartObjects(createHelm({ home: own.path }), values)).workload(
          'larder-node-agent',
        );
        const [container] = spec.template.spec.containers;
        const script = `
        busybox grep -q 'version = 3' ${file} || exit 1
        busybox mkdir ${certsDir}/docker.io && echo written > ${certsDir}/docker.io/hosts.toml || exit 2
        echo kept > ${stateDir}/it || exit 3
        echo changed > ${file} && exit 4
        busybox touch /anywhere && exit 5
        busybox grep -q 'CapEff:.0000000000000000' /proc/self/status || exit 6
        test "$(busybox id -u)" = 0 || exit 7`;
        await cluster.kubectl('create', 'serviceaccount', 'larder-node-agent');
        await cluster.kubectl.apply({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'agent', namespace: 'default' },
          spec: {
            ...spec.template.spec,
            restartPolicy: 'Never',
            containers: [
              {
                ...container,
                livenessProbe: undefined,
                readinessProbe: undefined,
                image: cluster.shellImage,
                command: ['/bin/sh', '-c', script],
                args: [],
              },
            ],
          },
        });
        const path = 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}';
        const code = await waitFor(() => cluster.kubectl('get', 'pod', 'agent', '--output', path), {
          limitMs: POD_LIMIT_MS,
          everyMs: 200,
          what: 'the end of the Pod',
        });
        assert.equal(code, '0');
        assert.equal(readFileSync(join(certsDir, 'docker.io/hosts.toml'), 'utf8'), 'written\n');
        assert.equal(readFileSync(join(stateDir, 'it'), 'utf8'), 'kept\n');
        assert.equal(readFileSync(file, 'utf8'), 'version = 3\n');
      });
    },
  );
}
