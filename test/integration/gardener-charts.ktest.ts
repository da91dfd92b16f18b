/** Tests the charts for Gardener: their values, and the rights that they give. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { createHelm, WITHOUT_CLUSTER, type Helm } from '../cluster/helm.ts';
import { CHARTS } from '../gardener/charts.ts';
import { tempDir, type TempDir } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import type { ChartObject, Workload } from './chart-objects.ts';

const IMAGE = 'registry.example.com/larder';
const ADMISSION = 'gardener-extension-registry-cache-admission';
const CONTROLLER = 'gardener-extension-registry-cache';

interface Variable {
  readonly name: string;
  readonly value?: string;
}

interface RoleObject extends ChartObject {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

describe('the charts for Gardener', requireParts(['helm']), () => {
  let own: TempDir;
  let helm: Helm;

  before(() => {
    own = tempDir();
    helm = createHelm({ home: own.path });
  });

  after(() => own[Symbol.dispose]());

  async function render(
    chart: keyof typeof CHARTS,
    values: object,
    ...flags: string[]
  ): Promise<ChartObject[]> {
    using files = tempDir();
    const file = files.write('values.json', JSON.stringify(values));
    const versions = flags.length > 0 ? flags : WITHOUT_CLUSTER;
    const args = ['template', 'release', CHARTS[chart], '--namespace=own', `--values=${file}`, ...versions];
    return parseAllDocuments(await helm(...args)).map((document) => document.toJS() as ChartObject);
  }

  const renderRuntime = async (values: object, ...flags: string[]) => {
    const objects = await render('runtime', { image: { repository: IMAGE }, ...values }, ...flags);
    const deployment = objects.find(({ kind }) => kind === 'Deployment') as Workload;
    return { objects, pod: deployment.spec.template.spec };
  };

  const renderController = async (values: object) => {
    const objects = await render('controller', { image: { repository: IMAGE }, ...values });
    const deployment = objects.find(({ kind }) => kind === 'Deployment') as Workload;
    return { objects, pod: deployment.spec.template.spec };
  };

  test('need nothing but the place of the image', async () => {
    const names = async (chart: keyof typeof CHARTS) =>
      (await render(chart, { image: { repository: IMAGE } })).map(({ kind }) => kind).sort();
    assert.deepEqual(await names('runtime'), [
      'Deployment',
      'PodDisruptionBudget',
      'Role',
      'RoleBinding',
      'Service',
      'ServiceAccount',
      'VerticalPodAutoscaler',
    ]);
    assert.deepEqual(await names('application'), ['ClusterRole', 'ClusterRoleBinding', 'ServiceAccount']);
    assert.deepEqual(await names('controller'), [
      'ClusterRole',
      'ClusterRoleBinding',
      'ConfigMap',
      'Deployment',
      'PodDisruptionBudget',
      'Role',
      'RoleBinding',
      'Service',
      'ServiceAccount',
      'VerticalPodAutoscaler',
    ]);
    for (const chart of ['runtime', 'controller'] as const)
      await assert.rejects(render(chart, {}), /image\.repository: say where the image of Larder is/);
  });

  test('give the rights of the Go extension and no others', async () => {
    const rights = async (chart: keyof typeof CHARTS) => {
      const roles = (await render(chart, { image: { repository: IMAGE } })).filter(({ kind }) =>
        kind.endsWith('Role'),
      );
      return Object.fromEntries((roles as RoleObject[]).map((role) => [scopeOf(role), rightsOf(role)]));
    };
    assert.deepEqual(await rights('runtime'), {
      [`Role garden/${ADMISSION}`]: {
        '/secrets': ALL,
        'coordination.k8s.io/leases': 'create get list watch',
        [`coordination.k8s.io/leases#${ADMISSION}`]: CHANGE,
        '/events': 'create patch update',
        'events.k8s.io/events': 'create patch update',
      },
    });
    assert.deepEqual(await rights('application'), {
      [`ClusterRole ${ADMISSION}`]: {
        '/secrets': 'get',
        '/namespaces': READ,
        [`${WEBHOOKS}/validatingwebhookconfigurations`]: `create ${READ}`,
        [`${WEBHOOKS}/validatingwebhookconfigurations#${ADMISSION}`]: `delete ${CHANGE}`,
      },
    });
    assert.deepEqual(await rights('controller'), {
      [`ClusterRole ${CONTROLLER}`]: {
        'extensions.gardener.cloud/clusters': READ,
        'extensions.gardener.cloud/extensions': READ,
        ...named('extensions.gardener.cloud/extensions', ['registry-cache', 'registry-mirror'], CHANGE),
        ...named(
          'extensions.gardener.cloud/extensions/status',
          ['registry-cache', 'registry-mirror'],
          CHANGE,
        ),
        [`${WEBHOOKS}/mutatingwebhookconfigurations`]: `create ${READ}`,
        [`${WEBHOOKS}/mutatingwebhookconfigurations#${CONTROLLER}`]: CHANGE,
        'resources.gardener.cloud/managedresources': `create ${READ}`,
        ...named(
          'resources.gardener.cloud/managedresources',
          [
            'extension-registry-cache',
            'extension-registry-cache-operator',
            'extension-registry-cache-services',
            'extension-registry-cache-shoot',
          ],
          `delete ${CHANGE}`,
        ),
        '/secrets': ALL,
        '/configmaps': 'create',
        '/configmaps#registry-cache-dashboards': 'delete get patch update',
        '/namespaces': READ,
        'coordination.k8s.io/leases': 'list watch',
        'monitoring.coreos.com/scrapeconfigs': `create ${READ}`,
        'monitoring.coreos.com/scrapeconfigs#shoot-registry-cache': `delete ${CHANGE}`,
        'monitoring.coreos.com/prometheusrules': `create ${READ}`,
        'monitoring.coreos.com/prometheusrules#shoot-registry-cache': `delete ${CHANGE}`,
      },
      [`Role own/${CONTROLLER}`]: {
        '/events': 'create patch update',
        'events.k8s.io/events': 'create patch update',
        'coordination.k8s.io/leases': 'create get list watch',
        ...named(
          'coordination.k8s.io/leases',
          ['extension-registry-cache-leader-election', 'gardener-extension-heartbeat'],
          CHANGE,
        ),
      },
    });
  });

  test('run the admission by the command of the image, with the flags of the Go chart', async () => {
    const { pod } = await renderRuntime({
      gardener: { virtualCluster: { namespace: 'extension-extension-registry-cache' } },
      metricsPort: 0,
    });
    assert.deepEqual(pod.containers[0].args, [
      'admission',
      '--webhook-config-server-port=10250',
      '--webhook-config-service-port=443',
      '--webhook-config-mode=url',
      `--webhook-config-url=${ADMISSION}.own`,
      '--webhook-config-namespace=own',
      '--webhook-config-owner-namespace=extension-extension-registry-cache',
      '--metrics-bind-address=0',
      '--health-bind-address=:8081',
      `--leader-election-id=${ADMISSION}`,
    ]);
    assert.equal(pod.serviceAccountName, ADMISSION);
    assert.equal(pod.priorityClassName, undefined);
  });

  test('run the extension by the command of the image, with the flags of the Go chart', async () => {
    const { pod } = await renderController({
      disableControllers: ['registry-mirror-controller', 'heartbeat'],
      disableWebhooks: ['registry-mirror'],
      controllers: { extension: { concurrentSyncs: 7 }, ignoreOperationAnnotation: true, handBack: true },
      gardener: { version: 'v1.147.1' },
    });
    assert.deepEqual(pod.containers[0].args, [
      'extension',
      '--config=/etc/registry-cache/config.yaml',
      '--max-concurrent-reconciles=7',
      '--heartbeat-namespace=own',
      '--heartbeat-renew-interval-seconds=30',
      '--disable-controllers=registry-mirror-controller,heartbeat',
      '--disable-webhooks=registry-mirror',
      '--ignore-operation-annotation=true',
      '--hand-back=true',
      '--leader-election-id=extension-registry-cache-leader-election',
      '--webhook-config-namespace=own',
      '--webhook-config-service-port=443',
      '--webhook-config-server-port=10250',
      '--metrics-bind-address=:8080',
      '--health-bind-address=:8081',
      '--gardener-version=v1.147.1',
    ]);
  });

  test('give shoots the image of the program, unless another is given', async () => {
    const environment = async (values: object) => {
      const { env } = (await renderController(values)).pod.containers[0] as unknown as { env: Variable[] };
      return Object.fromEntries(env.map(({ name, value }) => [name, value]));
    };
    const own = { LEADER_ELECTION_NAMESPACE: undefined };
    const tagged = { image: { repository: IMAGE, tag: 'v1' } };
    assert.deepEqual(await environment(tagged), { ...own, LARDER_IMAGE: `${IMAGE}:v1` });
    assert.deepEqual(await environment({ shootImage: 'x/y:2' }), { ...own, LARDER_IMAGE: 'x/y:2' });
    const images = [{ name: 'registry', repository: 'x/z', tag: '3' }];
    const overwritten = await renderController({ ...tagged, imageVectorOverwrite: { images } });
    assert.deepEqual(await environment({ ...tagged, imageVectorOverwrite: { images } }), {
      ...own,
      LARDER_IMAGE: `${IMAGE}:v1`,
      IMAGEVECTOR_OVERWRITE: '/charts_overwrite/images_overwrite.yaml',
    });
    const file = overwritten.objects.find(({ metadata }) => metadata.name.endsWith('-imagevector-overwrite'));
    const { data } = file as ChartObject & { data: Record<string, string> };
    assert.deepEqual(parse(data['images_overwrite.yaml'] as string), { images });
  });

  test('with a suffix, install the extension beside the Go extension: no object has a name of that one', async () => {
    const suffixed = { nameSuffix: '-larder', disableWebhooks: ['*'] };
    const withSuffix = await renderController(suffixed);
    const clusterWide = withSuffix.objects.filter(({ kind }) => kind.startsWith('Cluster'));
    assert.deepEqual(
      [...new Set(clusterWide.map(({ metadata }) => metadata.name))],
      [`${CONTROLLER}-larder`],
    );
    const { subjects, roleRef } = clusterWide.find(
      ({ kind }) => kind === 'ClusterRoleBinding',
    ) as unknown as {
      subjects: { name: string }[];
      roleRef: { name: string };
    };
    assert.deepEqual([subjects[0]?.name, roleRef.name], [`${CONTROLLER}-larder`, `${CONTROLLER}-larder`]);
    assert.equal(withSuffix.pod.serviceAccountName, `${CONTROLLER}-larder`);
    const rights = async (values: object) => {
      const objects = await render('controller', { image: { repository: IMAGE }, ...values });
      return objects.filter(({ kind }) => kind.endsWith('Role')).map((role) => rightsOf(role as RoleObject));
    };
    assert.deepEqual(await rights(suffixed), await rights({}));
    // API servers would look for the webhooks at the Service of the Go extension.
    await assert.rejects(
      renderController({ nameSuffix: '-larder' }),
      /is for an installation without webhooks/,
    );
  });

  test('name the image by tag, by digest, or as a whole', async () => {
    const imageFor = async (image: object) =>
      (await renderRuntime({ image: { repository: IMAGE, ...image } })).pod.containers[0].image;
    assert.match(await imageFor({}), /^registry\.example\.com\/larder:\d+\.\d+\.\d+/);
    assert.equal(await imageFor({ tag: 'v1' }), `${IMAGE}:v1`);
    assert.equal(await imageFor({ tag: 'sha256:abc' }), `${IMAGE}@sha256:abc`);
    assert.equal(await imageFor({ ref: 'elsewhere/x:1' }), 'elsewhere/x:1');
  });

  test('give the admission the kubeconfig of the virtual garden as gardener-operator projects it, or as text', async () => {
    const projected = await renderRuntime({
      projectedKubeconfig: {
        baseMountPath: '/var/run/secrets/gardener.cloud',
        genericKubeconfigSecretName: 'generic-token-kubeconfig',
        tokenSecretName: 'access-registry-cache-admission',
      },
    });
    const flagOf = ({ pod }: typeof projected) =>
      pod.containers[0].args.find((arg) => arg.startsWith('--kubeconfig='));
    const volumeOf = ({ pod }: typeof projected) =>
      (pod as unknown as { volumes: { name: string }[] }).volumes.find(({ name }) => name === 'kubeconfig');
    assert.equal(flagOf(projected), '--kubeconfig=/var/run/secrets/gardener.cloud/kubeconfig');
    assert.deepEqual(volumeOf(projected), {
      name: 'kubeconfig',
      projected: {
        defaultMode: 0o644,
        sources: [
          {
            secret: {
              name: 'generic-token-kubeconfig',
              items: [{ key: 'kubeconfig', path: 'kubeconfig' }],
              optional: false,
            },
          },
          {
            secret: {
              name: 'access-registry-cache-admission',
              items: [{ key: 'token', path: 'token' }],
              optional: false,
            },
          },
        ],
      },
    });
    const text = await renderRuntime({ kubeconfig: 'apiVersion: v1' });
    assert.equal(flagOf(text), '--kubeconfig=/kubeconfig/kubeconfig');
    const secret = text.objects.find(({ kind }) => kind === 'Secret') as ChartObject & { data: object };
    assert.deepEqual(
      [secret.metadata.name, secret.data],
      [`${ADMISSION}-kubeconfig`, { kubeconfig: Buffer.from('apiVersion: v1').toString('base64') }],
    );
    const none = await renderRuntime({});
    assert.deepEqual([flagOf(none), volumeOf(none)], [undefined, undefined]);
    await assert.rejects(
      renderRuntime({ projectedKubeconfig: { baseMountPath: '/x' } }),
      /genericKubeconfigSecretName is required/,
    );
  });

  test('keep traffic near only when asked, in the word of the version', async () => {
    const near = { service: { topologyAwareRouting: { enabled: true } } };
    const wordOf = ({ objects }: Awaited<ReturnType<typeof renderRuntime>>) =>
      (
        objects.find(({ kind }) => kind === 'Service') as unknown as {
          spec: { trafficDistribution?: string };
        }
      ).spec.trafficDistribution;
    assert.equal(wordOf(await renderRuntime({})), undefined);
    assert.equal(wordOf(await renderRuntime(near, '--kube-version=1.33.2')), 'PreferClose');
    assert.equal(wordOf(await renderRuntime(near, '--kube-version=1.34.0')), 'PreferSameZone');
  });

  test('bind the rights in the virtual garden to the account that gardener-operator names', async () => {
    const subjects = async (serviceAccount: object) => {
      const objects = await render('application', { gardener: { virtualCluster: { serviceAccount } } });
      const binding = objects.find(({ kind }) => kind === 'ClusterRoleBinding');
      return { kinds: objects.length, subjects: (binding as unknown as { subjects: object[] }).subjects };
    };
    const account = { name: 'admission', namespace: 'kube-system' };
    assert.deepEqual(await subjects(account), {
      kinds: 2,
      subjects: [{ kind: 'ServiceAccount', ...account }],
    });
    const own = { kind: 'ServiceAccount', name: ADMISSION, namespace: 'own' };
    assert.deepEqual(await subjects({}), { kinds: 3, subjects: [own] });
  });

  test('replace the objects of the Go extension: selectors and names are the same', async () => {
    for (const [name, { objects }, others] of [
      [ADMISSION, await renderRuntime({}), []],
      [CONTROLLER, await renderController({}), ['extension-registry-cache']],
    ] as const) {
      const selector = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': 'release' };
      const spec = (kind: string) =>
        objects.find((object) => object.kind === kind)?.spec as { selector: object };
      assert.deepEqual(spec('Deployment').selector, { matchLabels: selector });
      assert.deepEqual(spec('PodDisruptionBudget').selector, { matchLabels: selector });
      assert.deepEqual(spec('Service').selector, selector);
      assert.deepEqual([...new Set(objects.map(({ metadata }) => metadata.name))].sort(), [
        ...others,
        name,
        `${name}-vpa`,
      ]);
    }
  });
});

const READ = 'get list watch';
const CHANGE = 'patch update';
const ALL = 'create delete get list patch update watch';
const WEBHOOKS = 'admissionregistration.k8s.io';

function named(resource: string, names: readonly string[], verbs: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`${resource}#${name}`, verbs]));
}

function scopeOf({ kind, metadata: { namespace, name } }: RoleObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Maps `group/resource`, with `#name` for a single object, to its verbs in sorted order. */
function rightsOf({ rules }: RoleObject): Record<string, string> {
  const rights = new Map<string, Set<string>>();
  for (const { apiGroups, resources, resourceNames = [''], verbs } of rules)
    for (const group of apiGroups)
      for (const resource of resources)
        for (const name of resourceNames) {
          const key = `${group}/${resource}${name === '' ? '' : `#${name}`}`;
          rights.set(key, (rights.get(key) ?? new Set()).union(new Set(verbs)));
        }
  return Object.fromEntries([...rights].map(([key, verbs]) => [key, [...verbs].sort().join(' ')]));
}
