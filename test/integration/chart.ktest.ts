/** What the chart makes of values, with the real helm and without a cluster. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { renderManifests } from '../../deploy/manifests.ts';
import { CHART, createHelm, WITHOUT_CLUSTER } from '../cluster/helm.ts';
import { tempDir } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { chartObjects, type PodSpec } from './chart-objects.ts';

const IMAGE = 'registry.example.com/larder';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

const WORKLOADS = ['larder-operator', 'larder-node-agent', 'larder-uninstall'] as const;
const CRDS = [
  'CustomResourceDefinition/mirrorconfigs.mirror.extensions.gardener.cloud',
  'CustomResourceDefinition/registryconfigs.registry.extensions.gardener.cloud',
];
const ALWAYS = [
  'ClusterRole/larder-operator',
  'ClusterRole/larder-operator-secrets',
  'ClusterRoleBinding/larder-operator',
  'ClusterRoleBinding/larder-operator-secrets',
  'DaemonSet/larder-node-agent',
  'Deployment/larder-operator',
  'Job/larder-uninstall',
  'Pod/larder-test',
  'ResourceQuota/larder-critical-pods',
  'Role/larder-node-agent',
  'Role/larder-operator',
  'Role/larder-test',
  'Role/larder-uninstall',
  'RoleBinding/larder-node-agent',
  'RoleBinding/larder-operator',
  'RoleBinding/larder-test',
  'RoleBinding/larder-uninstall',
  'ServiceAccount/larder-cache',
  'ServiceAccount/larder-node-agent',
  'ServiceAccount/larder-operator',
  'ServiceAccount/larder-test',
  'ValidatingAdmissionPolicy/larder-node-agent',
  'ValidatingAdmissionPolicyBinding/larder-node-agent',
];
const POLICY = 'NetworkPolicy/larder-operator';

describe('the chart', requireParts(['helm']), () => {
  const home = tempDir();
  after(() => home[Symbol.dispose]());
  const helm = createHelm({ home: home.path });
  const objectsFor = (values: { readonly image?: object; readonly [name: string]: unknown }) =>
    chartObjects(helm, { ...values, image: { repository: IMAGE, ...values.image } });

  test('has nothing that helm lint warns of', async () => {
    const printed = await helm('lint', '--strict', CHART, `--set=image.repository=${IMAGE}`);
    assert.match(printed, /1 chart\(s\) linted, 0 chart\(s\) failed/);
    assert.doesNotMatch(printed, /\[(INFO|WARNING|ERROR)\]/);
  });

  for (const [title, values, names] of [
    ['its defaults', {}, [...ALWAYS, ...CRDS, POLICY]],
    ['CRDs that somebody else has', { crds: { install: false } }, [...ALWAYS, POLICY]],
    ['no network policy', { operator: { networkPolicy: { enabled: false } } }, [...ALWAYS, ...CRDS]],
    [
      'two operators',
      { operator: { replicas: 2 } },
      [...ALWAYS, ...CRDS, POLICY, 'PodDisruptionBudget/larder-operator'],
    ],
    [
      'a ServiceMonitor',
      { operator: { serviceMonitor: { enabled: true } } },
      [...ALWAYS, ...CRDS, POLICY, 'Service/larder-operator', 'ServiceMonitor/larder-operator'],
    ],
  ] as const) {
    test(`makes with ${title} these objects and no others`, async () => {
      assert.deepEqual((await objectsFor(values)).names, [...names].sort());
    });
  }

  for (const [title, image, expected] of [
    ['the tag of its version', {}, `${IMAGE}:${VERSION}`],
    ['a tag', { tag: 'next' }, `${IMAGE}:next`],
    ['a digest, whatever the tag', { tag: 'next', digest: DIGEST }, `${IMAGE}@${DIGEST}`],
  ] as const) {
    test(`runs one image everywhere, by ${title}, and has caches made of it`, async () => {
      const objects = await objectsFor({ image });
      for (const name of WORKLOADS) {
        const [{ image: used, args }] = objects.workload(name).spec.template.spec.containers;
        assert.equal(used, expected);
        if (args[0] === 'operator') assert.ok(args.includes(`--image=${expected}`), name);
      }
    });
  }

  test('pulls with the Secrets that are named', async () => {
    const objects = await objectsFor({ image: { pullSecrets: ['one', 'two'] } });
    for (const name of WORKLOADS)
      assert.deepEqual(objects.workload(name).spec.template.spec.imagePullSecrets, [
        { name: 'one' },
        { name: 'two' },
      ]);
  });

  test('takes names of digits alone, and labels of its own that are given another value', async () => {
    const objects = await objectsFor({
      image: { pullSecrets: ['123'] },
      priorityClassName: '7',
      operator: { serviceMonitor: { enabled: true, labels: { 'app.kubernetes.io/name': 'mine' } } },
    });
    const { imagePullSecrets, priorityClassName } = objects.workload('larder-operator').spec.template.spec;
    assert.deepEqual([imagePullSecrets, priorityClassName], [[{ name: '123' }], '7']);
    const monitor = objects.all.find(({ kind }) => kind === 'ServiceMonitor');
    assert.equal(monitor?.metadata.labels?.['app.kubernetes.io/name'], 'mine');
  });

  test('spreads several operators over nodes', async () => {
    const { replicas, template } = (await objectsFor({ operator: { replicas: 2 } })).workload(
      'larder-operator',
    ).spec;
    assert.deepEqual([replicas, template.spec.topologySpreadConstraints?.length], [2, 1]);
  });

  test('gives the priority of the operator to caches, and node agents the one that nobody is put before', async () => {
    const objects = await objectsFor({
      priorityClassName: 'system-cluster-critical',
      nodeAgent: { priorityClassName: 'own' },
    });
    const [operator, agent, uninstall] = WORKLOADS.map((name) => objects.workload(name).spec.template.spec);
    assert.equal(operator?.priorityClassName, 'system-cluster-critical');
    assert.ok(operator.containers[0].args.includes('--priority-class=system-cluster-critical'));
    assert.equal(uninstall?.priorityClassName, 'system-cluster-critical');
    assert.equal(agent?.priorityClassName, 'own');
    const standard = await objectsFor({});
    const [own, agents] = WORKLOADS.map((name) => standard.workload(name).spec.template.spec);
    assert.ok(!own?.containers[0].args.some((arg) => arg.startsWith('--priority-class')));
    assert.equal(agents?.priorityClassName, 'system-node-critical');
  });

  test('asks for a quota for the classes that clusters admit by quota only, and for no others', async () => {
    const classesOf = async (values: { readonly [name: string]: unknown }) => {
      const quota = (await objectsFor(values)).all.find(({ kind }) => kind === 'ResourceQuota');
      const { scopeSelector } = (quota?.spec ?? {}) as {
        scopeSelector?: { matchExpressions: [{ values: string[] }] };
      };
      return scopeSelector?.matchExpressions[0].values;
    };
    const both = ['system-cluster-critical', 'system-node-critical'];
    assert.deepEqual(await classesOf({}), ['system-node-critical']);
    assert.deepEqual(await classesOf({ priorityClassName: 'system-cluster-critical' }), both);
    assert.deepEqual(await classesOf({ priorityClassName: 'system-node-critical' }), [
      'system-node-critical',
    ]);
    assert.equal(await classesOf({ nodeAgent: { priorityClassName: '' } }), undefined);
  });

  test('tells operator, agent and kubelet one port, and mounts paths of the node where they are', async () => {
    const objects = await objectsFor({
      nodeAgent: {
        port: 5999,
        certsDir: '/opt/certs.d',
        containerdConfig: '/var/lib/containerd/etc/own.toml',
        stateDir: '/var/lib/state',
      },
    });
    const [agent] = objects.workload('larder-node-agent').spec.template.spec.containers;
    const healthz = { scheme: 'HTTPS', host: '127.0.0.1', path: '/healthz', port: 5999 };
    assert.deepEqual(agent.livenessProbe?.httpGet, healthz);
    for (const flag of [
      '--address=127.0.0.1:5999',
      '--certs-dir=/opt/certs.d',
      '--containerd-config=/var/lib/containerd/etc/own.toml',
      '--state=/var/lib/state',
    ])
      assert.ok(agent.args.includes(flag), flag);
    assert.deepEqual(
      agent.volumeMounts?.map(({ mountPath }) => mountPath),
      ['/var/lib/containerd/etc', '/opt/certs.d', '/var/lib/state'],
    );
    const [operator] = objects.workload('larder-operator').spec.template.spec.containers;
    assert.ok(operator.args.includes('--relay-port=5999'));
  });

  test('gives caches an account with the annotations of a cloud, and labels to their Pods and ServiceMonitors', async () => {
    const flagsFor = async (cache: object) => {
      const objects = await objectsFor({ cache });
      const account = objects.all.find(({ metadata }) => metadata.name === 'larder-cache');
      const [{ args }] = objects.workload('larder-operator').spec.template.spec.containers;
      const flag = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.split(/=(.*)/)[1];
      return { annotations: account?.metadata.annotations, flag };
    };
    const annotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/larder' };
    const azure = { 'azure.workload.identity/use': 'true', team: 'platform' };
    const given = await flagsFor({
      serviceAccount: { annotations },
      podLabels: azure,
      serviceMonitor: { labels: { release: 'prometheus' } },
    });
    assert.deepEqual(given.annotations, annotations);
    assert.equal(given.flag('cache-service-account'), 'larder-cache');
    assert.match(
      given.flag('cache-pod-labels') ?? '',
      /^azure\.workload\.identity\/use=true,larder\/service-account=[0-9a-f]{16},team=platform$/,
    );
    assert.equal(given.flag('service-monitor-labels'), 'release=prometheus');

    const standard = await flagsFor({});
    assert.deepEqual(
      [standard.annotations, standard.flag('cache-pod-labels'), standard.flag('service-monitor-labels')],
      [undefined, undefined, undefined],
    );
    assert.equal(standard.flag('cache-service-account'), 'larder-cache');
  });

  test('makes the Pods of caches anew when the annotations of their account change, which clouds read then', async () => {
    const marked = async (role: string) => {
      const cache = { serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': role } } };
      const [{ args }] = (await objectsFor({ cache })).workload('larder-operator').spec.template.spec
        .containers;
      return args.find((arg) => arg.startsWith('--cache-pod-labels='));
    };
    assert.equal(await marked('one'), await marked('one'));
    assert.notEqual(await marked('one'), await marked('two'));
  });

  test('starts the agent with the flags that keep it small, and finds one that hangs within 20 s', async () => {
    const [agent] = (await objectsFor({})).workload('larder-node-agent').spec.template.spec.containers;
    assert.deepEqual(agent.command, [
      '/usr/bin/node',
      '--max-semi-space-size=1',
      '--lite-mode',
      '/usr/bin/larder',
    ]);
    const { periodSeconds = 0, timeoutSeconds = 0, failureThreshold = 0 } = agent.livenessProbe ?? {};
    assert.ok(periodSeconds * failureThreshold + timeoutSeconds < 20);
  });

  test('runs its test with the image of all others, only when asked, and takes account and rights away with it', async () => {
    const nodeSelector = { 'kubernetes.io/os': 'linux', disk: 'fast' };
    const values = { image: { pullSecrets: ['one'] }, operator: { nodeSelector } };
    const { all } = await objectsFor(values);
    const hooks = all.filter(({ metadata }) => metadata.name === 'larder-test');
    for (const { kind, metadata } of hooks) {
      assert.equal(metadata.annotations?.['helm.sh/hook'], 'test', kind);
      const policy = metadata.annotations?.['helm.sh/hook-delete-policy'];
      assert.equal(policy, 'before-hook-creation,hook-succeeded', kind);
    }
    const pod = hooks.find(({ kind }) => kind === 'Pod');
    assert.ok(pod !== undefined);
    const { serviceAccountName, imagePullSecrets, nodeSelector: selected, containers } = pod.spec as PodSpec;
    assert.deepEqual(
      [serviceAccountName, imagePullSecrets, selected],
      ['larder-test', [{ name: 'one' }], nodeSelector],
    );
    const [{ image, command, args }] = containers;
    assert.deepEqual([image, command], [`${IMAGE}:${VERSION}`, ['/usr/bin/node']]);
    const script = readFileSync(join(CHART, 'files/helm-test.mjs'), 'utf8');
    assert.deepEqual(
      args.map((arg) => arg.trim()),
      ['--input-type=module', '--eval', script.trim(), '60'],
    );
    for (const { text } of await renderManifests(helm)) assert.doesNotMatch(text, /larder-test/);
  });

  test('keeps the CRDs at an uninstall, unless told otherwise', async () => {
    const policies = async (values: { readonly crds?: object }) =>
      (await objectsFor(values)).all
        .filter(({ kind }) => kind === 'CustomResourceDefinition')
        .map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy']);
    assert.deepEqual(await policies({}), ['keep', 'keep']);
    assert.deepEqual(await policies({ crds: { keep: false } }), [undefined, undefined]);
  });

  test('does without the admission policy on Kubernetes 1.29, which has no such thing', async () => {
    const rendered = (version: string) =>
      helm('template', 'larder', CHART, `--set=image.repository=${IMAGE}`, `--kube-version=${version}`);
    assert.doesNotMatch(await rendered('1.29.15-gke.1'), /ValidatingAdmissionPolicy/);
    assert.match(await rendered('1.30.0-eks-1'), /kind: ValidatingAdmissionPolicyBinding/);
  });

  test('is not installed without an image', async () => {
    await assert.rejects(chartObjects(helm, {}), /image\.repository: say where the image of Larder is/);
  });

  for (const [title, values, message] of [
    ['an unknown value', { replicas: 2 }, /at '': additional properties 'replicas' not allowed/],
    ['no operator', { operator: { replicas: 0 } }, /at '\/operator\/replicas': minimum/],
    ['a tag as digest', { image: { digest: 'v1' } }, /at '\/image\/digest': 'v1' does not match pattern/],
    ['a tag that is a number', { image: { tag: 1.2 } }, /at '\/image\/tag': got number, want string/],
    [
      'a pull policy of its own',
      { image: { pullPolicy: 'Often' } },
      /at '\/image\/pullPolicy': value must be/,
    ],
    ["a kernel's port", { nodeAgent: { port: 40_000 } }, /at '\/nodeAgent\/port': maximum/],
    [
      'a relative path',
      { nodeAgent: { certsDir: 'certs.d' } },
      /at '\/nodeAgent\/certsDir': 'certs\.d' does not/,
    ],
    ['an update of no node', { nodeAgent: { maxUnavailable: '0%' } }, /at '\/nodeAgent\/maxUnavailable'/],
    [
      'a misspelt amount',
      { operator: { resources: { limit: {} } } },
      /at '\/operator\/resources': additional/,
    ],
    [
      'a label whose value is none of text',
      { cache: { podLabels: { 'azure.workload.identity/use': true } } },
      /at '\/cache\/podLabels\/azure\.workload\.identity~1use': got boolean, want string/,
    ],
    [
      'a label that Kubernetes has not',
      { cache: { serviceMonitor: { labels: { release: 'a,b' } } } },
      /at '\/cache\/serviceMonitor\/labels\/release': 'a,b' does not match pattern/,
    ],
    ['an unknown level', { logLevel: 'loud' }, /at '\/logLevel': value must be one of/],
  ] as const) {
    test(`refuses ${title}, and names the field`, async () => {
      await assert.rejects(objectsFor(values), message);
    });
  }

  test('is a part of another chart with values of its own', async () => {
    using parent = tempDir();
    parent.write('Chart.yaml', 'apiVersion: v2\nname: platform\nversion: 1.0.0\n');
    const values = { larder: { image: { repository: IMAGE } }, global: { any: 'thing' } };
    parent.write('values.yaml', JSON.stringify(values));
    cpSync(CHART, join(parent.path, 'charts/larder'), { recursive: true });
    assert.match(
      await helm('template', 'platform', parent.path, ...WITHOUT_CLUSTER),
      new RegExp(`image: "${IMAGE}:`),
    );
  });

  test('is what the manifests below deploy/ are rendered from', async () => {
    for (const { name, text } of await renderManifests(helm))
      assert.equal(
        readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8'),
        text,
        `deploy/${name}: npm run generate:install`,
      );
  });
});
