/** Tests the rights of the chart's accounts at a real API server: the complete list, and the attempts of a thief of their tokens. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApiRequests, refusal, type ApiRequests } from '../cluster/api-requests.ts';
import { CHART, createHelm } from '../cluster/helm.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import { tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { chartObjects } from './chart-objects.ts';

const NAMESPACE = 'larder-system';
const OPERATOR = `system:serviceaccount:${NAMESPACE}:larder-operator`;
const AGENT = `system:serviceaccount:${NAMESPACE}:larder-node-agent`;
const CACHE = `system:serviceaccount:${NAMESPACE}:larder-cache`;
const TEST = `system:serviceaccount:${NAMESPACE}:larder-test`;

const READ = 'get list watch';
/** Verbs for objects that the operator applies. */
const APPLY = 'create delete get list patch watch';

/** Maps `group/resource`, with `#name` for a single object, to its verbs in sorted order. */
type Rights = Readonly<Record<string, string>>;

const OPERATOR_EVERYWHERE: Rights = {
  'registry.extensions.gardener.cloud/registryconfigs': 'list patch watch',
  'registry.extensions.gardener.cloud/registryconfigs/status': 'patch',
  'mirror.extensions.gardener.cloud/mirrorconfigs': 'list patch watch',
  'mirror.extensions.gardener.cloud/mirrorconfigs/status': 'patch',
  '/secrets': READ,
  'events.k8s.io/events': 'create patch',
  'apiextensions.k8s.io/customresourcedefinitions#servicemonitors.monitoring.coreos.com': 'list watch',
};

const OPERATOR_AT_HOME: Rights = {
  ...OPERATOR_EVERYWHERE,
  '/configmaps': APPLY,
  '/secrets': 'create delete get list patch update watch',
  '/services': APPLY,
  '/persistentvolumeclaims': 'delete get list patch watch',
  'apps/statefulsets': APPLY,
  'networking.k8s.io/networkpolicies': APPLY,
  'policy/poddisruptionbudgets': APPLY,
  'coordination.k8s.io/leases': 'create delete get list update watch',
  'monitoring.coreos.com/servicemonitors': 'create delete get list patch',
  '/pods': 'list patch watch',
  'apps/daemonsets': 'list watch',
  'apps/deployments#larder-operator': 'patch',
};

const AGENT_AT_HOME: Rights = {
  '/configmaps#larder-nodes': READ,
  'coordination.k8s.io/leases': 'create get patch',
};

const TEST_AT_HOME: Rights = {
  '/configmaps#larder-nodes': 'get',
  'apps/deployments#larder-operator': 'get',
  'apps/daemonsets#larder-node-agent': 'get',
};

interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

describe(
  'the rights that the chart gives',
  requireParts([...GROUPS.api, 'kube-controller-manager', 'helm']),
  () => {
    const resources = new AsyncDisposableStack();
    after(() => resources.disposeAsync());
    const home = resources.use(tempDir());
    let api: ApiServer;
    let admin: ApiRequests;

    before(async () => {
      // A controller aggregates the rules of `edit` and `admin`, which are empty without it.
      api = resources.use(await startApiServer({ controllerManager: true }));
      admin = resources.use(createApiRequests(api.access));
      const helm = createHelm({ home: home.path, kubeconfig: api.kubeconfig });
      const settings = [
        '--create-namespace',
        '--set=image.repository=registry.example.com/larder',
        '--set=trustedCa=kube-system/registry-ca-bundle',
      ];
      await helm('install', 'larder', CHART, '--namespace', NAMESPACE, ...settings);
      const { all } = await chartObjects(helm, { image: { repository: 'registry.example.com/larder' } });
      // Helm creates the account and the rights of `helm test` only when the test runs.
      await api.kubectl.apply(
        ...all.filter(({ kind, metadata }) => metadata.name === 'larder-test' && kind !== 'Pod'),
      );
      await api.kubectl('create', 'clusterrolebinding', 'editor', '--clusterrole=edit', '--user=editor');
      await api.kubectl('create', 'clusterrolebinding', 'owner', '--clusterrole=admin', '--user=owner');
      for (const user of ['editor', 'owner'])
        await waitFor(() => may(user, 'default', 'create /configmaps'), { what: `the rights of ${user}` });
    });

    /** Lists the rights that RBAC gives a user in a namespace, without those that every user has. */
    const rightsOf = async (user: string, namespace: string): Promise<Rights> => {
      const rulesOf = async (commonName: string): Promise<ResourceRule[]> => {
        await using request = createApiRequests(api.accessFor({ commonName }));
        const review = await request('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectRulesReview',
          spec: { namespace },
        });
        return (review as { status: { resourceRules: ResourceRule[] } }).status.resourceRules;
      };
      const common = new Set((await rulesOf('nobody')).map((rule) => JSON.stringify(rule)));
      return asRights((await rulesOf(user)).filter((rule) => !common.has(JSON.stringify(rule))));
    };

    /** True if a user has the right `verb group/resource#name` in a namespace. */
    const may = async (user: string, namespace: string, right: string): Promise<boolean> => {
      const [verb, group, resource, subresource, name] = partsOf(right);
      const review = await admin('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user, resourceAttributes: { namespace, verb, group, resource, subresource, name } },
      });
      return (review as { status: { allowed: boolean } }).status.allowed;
    };

    for (const [title, user, namespace, rights] of [
      ['the operator may in its namespace', OPERATOR, NAMESPACE, OPERATOR_AT_HOME],
      ['the operator may elsewhere', OPERATOR, 'default', OPERATOR_EVERYWHERE],
      ['a node agent may in its namespace', AGENT, NAMESPACE, AGENT_AT_HOME],
      ['a node agent may elsewhere', AGENT, 'default', {}],
      ['a cache may in its namespace', CACHE, NAMESPACE, {}],
      ['a cache may elsewhere', CACHE, 'default', {}],
      ['helm test may in its namespace', TEST, NAMESPACE, TEST_AT_HOME],
      ['helm test may elsewhere', TEST, 'default', {}],
    ] as const) {
      test(`${title}: these things and nothing else`, async () => {
        assert.deepEqual(await rightsOf(user, namespace), rights);
      });
    }

    for (const [user, namespace, right, allowed] of [
      [OPERATOR, 'default', 'get /secrets', true],
      [OPERATOR, 'default', 'patch registry.extensions.gardener.cloud/registryconfigs', true],
      [OPERATOR, 'default', 'create registry.extensions.gardener.cloud/registryconfigs', false],
      [OPERATOR, 'default', 'delete registry.extensions.gardener.cloud/registryconfigs', false],
      [OPERATOR, 'default', 'create /secrets', false],
      [OPERATOR, 'default', 'create /configmaps', false],
      [OPERATOR, 'default', 'create apps/statefulsets', false],
      [OPERATOR, 'kube-system', 'delete /pods', false],
      [OPERATOR, 'kube-system', 'list /configmaps#registry-ca-bundle', true],
      [OPERATOR, 'kube-system', 'watch /configmaps#registry-ca-bundle', true],
      [OPERATOR, 'kube-system', 'patch /configmaps#registry-ca-bundle', false],
      [OPERATOR, 'kube-system', 'list /configmaps', false],
      [OPERATOR, 'kube-system', 'watch /configmaps#another', false],
      [OPERATOR, NAMESPACE, 'patch apps/deployments#larder-operator', true],
      [OPERATOR, NAMESPACE, 'patch apps/deployments/scale#larder-operator', false],
      [OPERATOR, NAMESPACE, 'delete /pods', false],
      [OPERATOR, NAMESPACE, 'patch apps/deployments#another', false],
      [OPERATOR, NAMESPACE, 'create apps/deployments', false],
      [OPERATOR, NAMESPACE, 'patch apps/daemonsets#larder-node-agent', false],
      [OPERATOR, NAMESPACE, 'create rbac.authorization.k8s.io/rolebindings', false],
      [OPERATOR, NAMESPACE, 'create /pods', false],
      [OPERATOR, NAMESPACE, 'create /pods/exec', false],
      [AGENT, NAMESPACE, 'watch /configmaps#larder-nodes', true],
      [AGENT, NAMESPACE, 'list /configmaps', false],
      [AGENT, NAMESPACE, 'get /configmaps#kube-root-ca.crt', false],
      [AGENT, NAMESPACE, 'patch /configmaps#larder-nodes', false],
      [AGENT, NAMESPACE, 'create /configmaps', false],
      [AGENT, NAMESPACE, 'get /secrets#larder-ca', false],
      [AGENT, NAMESPACE, 'list /secrets', false],
      [AGENT, NAMESPACE, 'patch coordination.k8s.io/leases#larder-node-one', true],
      [AGENT, NAMESPACE, 'list coordination.k8s.io/leases', false],
      [AGENT, NAMESPACE, 'delete coordination.k8s.io/leases', false],
      [AGENT, NAMESPACE, 'list /pods', false],
      [AGENT, 'kube-system', 'create coordination.k8s.io/leases', false],
      [AGENT, 'default', 'list registry.extensions.gardener.cloud/registryconfigs', false],
      ['editor', 'default', 'create /configmaps', true],
      ['editor', 'default', 'create registry.extensions.gardener.cloud/registryconfigs', false],
      ['editor', 'default', 'create mirror.extensions.gardener.cloud/mirrorconfigs', false],
      ['owner', 'default', 'create rbac.authorization.k8s.io/rolebindings', true],
      ['owner', 'default', 'create registry.extensions.gardener.cloud/registryconfigs', false],
      ['owner', 'default', 'get mirror.extensions.gardener.cloud/mirrorconfigs', false],
    ] as const) {
      const who = user.split(':').at(-1);
      test(`${who} ${allowed ? 'may' : 'may not'} ${right} in ${namespace}`, async () => {
        assert.equal(await may(user, namespace, right), allowed);
      });
    }

    test('a node agent lists and watches its ConfigMap by a field selector, and no others', async () => {
      await using agent = createApiRequests(api.accessFor({ commonName: AGENT }));
      const list = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
      const one = await agent('GET', `${list}?fieldSelector=metadata.name%3Dlarder-nodes`);
      assert.equal((one as { kind: string }).kind, 'ConfigMapList');
      assert.match(JSON.stringify(await agent('GET', list)), /"reason":"Forbidden"/);
    });

    test('the operator lists and watches the CRD of ServiceMonitors, and no others', async () => {
      await using operator = createApiRequests(api.accessFor({ commonName: OPERATOR }));
      const list = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      const name = 'servicemonitors.monitoring.coreos.com';
      const one = await operator('GET', `${list}?fieldSelector=metadata.name%3D${name}`);
      assert.equal((one as { kind: string }).kind, 'CustomResourceDefinitionList');
      assert.match(JSON.stringify(await operator('GET', list)), /"reason":"Forbidden"/);
    });

    test('a node agent writes the Lease of its own node, and no other: neither another node’s nor the operator’s', async () => {
      await api.kubectl.apply({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'agent', namespace: NAMESPACE },
        spec: {
          nodeName: 'one',
          serviceAccountName: 'larder-node-agent',
          containers: [{ name: 'agent', image: 'registry.example.com/larder' }],
        },
      });
      const leases = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
      const tokenFor = (...bound: string[]) =>
        api.kubectl('create', 'token', 'larder-node-agent', `--namespace=${NAMESPACE}`, ...bound);
      const write = async (token: string, name: string, holderIdentity: string): Promise<string> => {
        await using agent = createApiRequests({ server: api.access.server, ca: api.access.ca, token });
        const answer = await agent('POST', leases, {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name },
          spec: { holderIdentity },
        });
        return refusal(answer)?.message ?? 'written';
      };
      const token = await tokenFor('--bound-object-kind=Pod', '--bound-object-name=agent');
      const refused = 'a node agent may write the Lease larder-node-<its node>, and its token is of the node';
      // The API server needs a moment to compile a policy.
      const isInForce = async () =>
        (await write(token, 'larder-node-two', 'two')).includes(`${refused} "one"`);
      await waitFor(isInForce, { limitMs: 30_000, everyMs: 100, what: 'the policy to be in force' });
      assert.match(
        await write(token, 'larder-node-one', 'two'),
        /spec\.holderIdentity .* has to be its node, one/,
      );
      assert.match(await write(token, 'larder-operator', 'two'), new RegExp(`${refused} "one"`));
      assert.equal(await write(token, 'larder-node-one', 'one'), 'written');
      assert.match(await write(await tokenFor(), 'larder-node-one', 'one'), new RegExp(`${refused} ""`));
      // The policy does not apply to other users.
      const lease = await admin('POST', leases, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'larder-node-three' },
        spec: { holderIdentity: 'anybody' },
      });
      assert.equal(refusal(lease), undefined);
    });
  },
);

function asRights(rules: readonly ResourceRule[]): Rights {
  const verbs = new Map<string, Set<string>>();
  for (const { verbs: more, apiGroups, resources: kinds, resourceNames = [''] } of rules)
    for (const group of apiGroups)
      for (const kind of kinds)
        for (const name of resourceNames) {
          const key = `${group}/${kind}${name === '' ? '' : `#${name}`}`;
          verbs.set(key, new Set([...(verbs.get(key) ?? []), ...more]));
        }
  return Object.fromEntries([...verbs].map(([key, some]) => [key, [...some].sort().join(' ')]));
}

function partsOf(right: string): (string | undefined)[] {
  const parts = /^(\w+) ([\w.]*)\/(\w+)(?:\/(\w+))?(?:#(.+))?$/.exec(right);
  if (parts === null) throw new TypeError(`not a right: ${right}`);
  return parts.slice(1);
}
