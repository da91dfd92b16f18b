/**
 * A shoot that is configured from inside, at real API servers: `larder extension` with the rights of its chart, the stand-in of
 * gardener-resource-manager for all kinds, and `larder operator` with the arguments of the Deployment that comes to the shoot. There are no nodes.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/kit/clock.ts';
import { refusal } from '../cluster/api-requests.ts';
import { startExtension, startExtensionLab, type ExtensionLab } from '../gardener/extension-lab.ts';
import { createLabClient } from '../gardener/lab-client.ts';
import type { LabCluster } from '../gardener/lab-cluster.ts';
import { createSeedShoot, type SeedShoot } from '../gardener/lab-gardener.ts';
import type { LabObject } from '../gardener/lab-objects.ts';
import { startLabProgram } from '../gardener/lab-program.ts';
import { createFindKind } from '../gardener/landscape/kinds.ts';
import { runManager } from '../gardener/landscape/manager-loop.ts';
import { createManagedResources } from '../gardener/landscape/managed-resources.ts';
import { waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const NAMESPACE = 'shoot--p--inside';
const LARDER = 'larder-system';
const CONFIGS = '/apis/registry.extensions.gardener.cloud/v1alpha3/namespaces/default/registryconfigs';
const LIMIT = { limitMs: 40_000, everyMs: 200 };

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

type Conditioned = LabObject & {
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly lastOperation?: { readonly state: string; readonly description: string };
  };
};

describe(
  'a shoot that is configured from inside',
  requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']),
  () => {
    let lab: ExtensionLab;
    let shoot: SeedShoot;
    const running = new AsyncDisposableStack();

    before(async () => {
      lab = await startExtensionLab();
      const client = async (cluster: LabCluster) =>
        running.adopt(await createLabClient(lab, cluster), (one) => one.close());
      const clients = { seed: await client(lab.seed), shoot: await client(lab.shoot) };
      const findKind = createFindKind(async (path) => {
        const found = await lab.shoot.requests('GET', path);
        return refusal(found) === undefined ? found : undefined;
      });
      const handle = createManagedResources({ ...clients, findKind, clock: systemClock });
      const ended = new AbortController();
      const managing = runManager(
        { seed: clients.seed, clock: systemClock, handle },
        { namespace: NAMESPACE, everyMs: 200, resyncMs: 60_000, retryMs: 1_000 },
        ended.signal,
      );
      running.defer(() => managing.catch(() => {}));
      running.defer(() => ended.abort());
      shoot = await createSeedShoot(lab, NAMESPACE);
    });

    after(async () => {
      await running.disposeAsync();
      await lab[Symbol.asyncDispose]();
    });

    const read = async (path: string): Promise<Conditioned | undefined> => {
      const found = (await lab.shoot.requests('GET', path)) as Conditioned;
      return refusal(found) === undefined ? found : undefined;
    };
    const workload = (path: string) => read(`/apis/apps/v1/namespaces/${LARDER}/${path}`);
    const extension = (): Promise<Conditioned | undefined> => shoot.find('registry-cache');
    const conditionOf = (object: Conditioned | undefined, type: string) =>
      object?.status?.conditions?.find((one) => one.type === type);

    /** Asks for a reconcile with these caches of the Shoot's own, and waits for its end. */
    async function reconcile(...upstreams: readonly string[]): Promise<void> {
      const providerConfig = {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        caches: upstreams.map((upstream) => ({ upstream })),
        registryConfigReplication: { enabled: true },
      };
      await shoot.apply('registry-cache', providerConfig);
      let last: Conditioned | undefined;
      await waitFor(
        async () => {
          last = await extension();
          const isAsked = last?.metadata.annotations?.['gardener.cloud/operation'] !== undefined;
          return !isAsked && last?.status?.lastOperation?.state === 'Succeeded';
        },
        { ...LIMIT, what: 'the reconcile' },
      ).catch((error: unknown) => {
        throw new Error(last?.status?.lastOperation?.description, { cause: error });
      });
    }

    test('gets an operator, obeys its objects, gives an upstream to the Shoot, and reports numbers', async () => {
      await using program = startExtension(lab);
      await reconcile();
      const deployment = (await waitFor(() => workload('deployments/larder-operator'), {
        ...LIMIT,
        what: 'the Deployment',
      })) as unknown as { spec: { template: { spec: { containers: [{ args: string[] }] } } } };
      await waitFor(() => workload('daemonsets/larder-node-agent'), {
        ...LIMIT,
        what: 'the DaemonSet',
      });
      await waitFor(() => read(`/api/v1/namespaces/${LARDER}/configmaps/larder-taken`), {
        ...LIMIT,
        what: 'the list',
      });

      const { args } = deployment.spec.template.spec.containers[0];
      const flags = Object.fromEntries(
        args
          .slice(1)
          .map((arg): [string, string] => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]),
      );
      await using operator = startLabProgram(lab, 'operator', {
        ...flags,
        '--namespace': LARDER,
        '--kubeconfig': lab.write('shoot.kubeconfig', lab.shootKubeconfig),
        '--admin-address': '127.0.0.1:5701',
      });
      await waitFor(async () => (await read(CONFIGS)) !== undefined, { ...LIMIT, what: 'the kind' });
      await lab.shoot.requests('POST', CONFIGS, {
        apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
        kind: 'RegistryConfig',
        metadata: { name: 'hub', namespace: 'default' },
        spec: { caches: [{ upstream: 'docker.io' }, { upstream: 'ghcr.io' }] },
      });
      const set = await waitFor(() => workload('statefulsets/registry-docker-io'), {
        ...LIMIT,
        what: 'the cache',
      });
      assert.equal(set.metadata.labels?.['shoot.gardener.cloud/no-cleanup'], 'true');

      await reconcile('docker.io');
      const object = await read(`${CONFIGS}/hub`);
      const conflict = conditionOf(object, 'Conflict');
      assert.match(conflict?.message ?? '', /^docker\.io is configured in the Shoot/);
      await waitFor(async () => (await workload('statefulsets/registry-docker-io')) === undefined, LIMIT);
      assert.ok(await workload('statefulsets/registry-ghcr-io'));
      const condition = await waitFor(
        async () => {
          const found = conditionOf(await extension(), 'RegistryConfigs');
          return found?.reason === 'ObjectsConflicting' ? found : undefined;
        },
        { limitMs: 90_000, everyMs: 1_000, what: 'the condition' },
      );
      assert.doesNotMatch(condition.message, /docker|hub/);
      assert.equal(await operator.stop(), 0);
      assert.equal(await program.stop(), 0);
    });
  },
);
