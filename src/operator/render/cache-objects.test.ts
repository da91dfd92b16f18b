import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { configOf } from '../../../test/cache/target.ts';
import { parseRegistryConfig } from '../../api/registry-config/parse.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { KubeObject } from '../../kube/types.ts';
import { cacheObjects } from './cache-objects.ts';
import type { CacheValues } from './cache-values.ts';

function valuesOf(cache: Record<string, unknown> = {}, more: Partial<CacheValues> = {}): CacheValues {
  return {
    namespace: 'larder-system',
    image: 'larder.example/larder:1@sha256:0123',
    imagePullSecrets: [],
    serviceAccountName: 'larder-cache',
    podLabels: {},
    objectLabels: {},
    tolerations: [],
    nodeSelector: {},
    cache: configOf({ upstream: 'docker.io', ...cache }).caches[0] as CacheConfig,
    owner: 'RegistryConfig team/hub',
    volumeBytes: 10 * 2 ** 30,
    claimTemplates: undefined,
    claimRetention: 'Delete',
    relayUrl: 'https://127.0.0.1:5010',
    secrets: new Map(),
    trustedCa: undefined,
    priorityClassName: 'system-cluster-critical',
    serviceMonitor: false,
    serviceMonitorLabels: {},
    ...more,
  };
}

/** The only object of this kind, as JSON. */
function plainly(objects: readonly KubeObject[], kind: string): unknown {
  const found = objects.filter((one) => one.kind === kind);
  assert.equal(found.length, 1, kind);
  return JSON.parse(JSON.stringify(found[0])) as unknown;
}

function setOf(objects: readonly KubeObject[]): StatefulSet {
  return plainly(objects, 'StatefulSet') as StatefulSet;
}

function dataOf(objects: readonly KubeObject[], kind: string): Record<string, string> {
  return (plainly(objects, kind) as { data: Record<string, string> }).data;
}

/** Labels that only the pod of the cache of docker.io has. */
const SELECTOR = { app: 'registry-docker-io', 'upstream-host': 'docker.io' };

/** The fields that these tests check. */
interface StatefulSet {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly podManagementPolicy: string;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly priorityClassName?: string;
        readonly tolerations?: unknown;
        readonly nodeSelector?: unknown;
        readonly serviceAccountName: string;
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: {
          readonly runAsNonRoot: boolean;
          readonly seccompProfile: { readonly type: string };
        };
        readonly containers: readonly [
          {
            readonly args: readonly string[];
            readonly ports: unknown;
            readonly resources: unknown;
            readonly securityContext: unknown;
          },
        ];
        readonly volumes: readonly {
          readonly name: string;
          readonly secret?: {
            readonly secretName: string;
            readonly optional?: boolean;
            readonly items?: readonly { readonly key: string; readonly path: string }[];
          };
        }[];
      };
    };
    readonly volumeClaimTemplates: readonly [
      {
        readonly metadata: { readonly labels: Readonly<Record<string, string>> };
        readonly spec: {
          readonly resources: { readonly requests: unknown };
          readonly storageClassName?: string;
        };
      },
    ];
  };
}

describe('the objects of a cache', () => {
  test('have the names that the Gardener extension gives them, one namespace, and annotations with owner and upstream', () => {
    const objects = cacheObjects(
      valuesOf({ upstream: 'my-registry.io:5000', serviceNameSuffix: 'static-name' }),
    );
    assert.deepEqual(
      objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      [
        'Service registry-static-name',
        'ConfigMap registry-my-registry-io-5000-config',
        'Secret registry-my-registry-io-5000-secrets',
        'NetworkPolicy registry-my-registry-io-5000',
        'PodDisruptionBudget registry-my-registry-io-5000',
        'StatefulSet registry-my-registry-io-5000',
      ],
    );
    for (const { metadata } of objects) {
      assert.equal(metadata.namespace, 'larder-system');
      assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'larder-operator');
      assert.equal(metadata.labels?.['upstream-host'], 'my-registry.io-5000');
      assert.equal(metadata.annotations?.['larder/asked-by'], 'RegistryConfig team/hub');
    }
  });

  test('contain a configuration that the cache parses to the requested one', () => {
    const values = valuesOf({
      freshness: { tagTTL: '5s' },
      authentication: { realm: 'Cache', outageGrace: '1h' },
    });
    const parsed = parseRegistryConfig(dataOf(cacheObjects(values), 'ConfigMap')['config.yaml']);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.config.caches, [values.cache]);
  });

  test('run the cache without rights that it does not need (Pod Security Standard "restricted")', () => {
    const { spec } = setOf(cacheObjects(valuesOf())).spec.template;
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.securityContext.runAsNonRoot, true);
    assert.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault');
    assert.deepEqual(spec.containers[0].securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('run it under the configured ServiceAccount, in pods with the additional labels, selected by their own labels', () => {
    const use = { 'azure.workload.identity/use': 'true' };
    const { selector, template } = setOf(
      cacheObjects(valuesOf({}, { podLabels: { ...use, app: 'mine' } })),
    ).spec;
    assert.equal(template.spec.serviceAccountName, 'larder-cache');
    const plain = setOf(cacheObjects(valuesOf())).spec;
    assert.deepEqual(template.metadata.labels, { ...plain.template.metadata.labels, ...use });
    assert.deepEqual(selector, plain.selector);
  });

  test('carry the additional labels everywhere, which select nothing, and run where the setting says', () => {
    const keep = { 'shoot.gardener.cloud/no-cleanup': 'true' };
    const tolerations = [{ key: 'system', operator: 'Exists' }];
    const nodeSelector = { 'example.com/system': 'true' };
    const plain = setOf(cacheObjects(valuesOf()));
    const objects = cacheObjects(
      valuesOf({}, { objectLabels: { ...keep, app: 'mine' }, tolerations, nodeSelector }),
    );
    for (const { kind, metadata } of objects) {
      assert.equal(metadata.labels?.['shoot.gardener.cloud/no-cleanup'], 'true', kind);
      assert.equal(metadata.labels?.['app'], plain.metadata.labels['app'], kind);
    }
    const { selector, template, volumeClaimTemplates } = setOf(objects).spec;
    assert.deepEqual(template.metadata.labels, { ...plain.spec.template.metadata.labels, ...keep });
    assert.equal(volumeClaimTemplates[0].metadata.labels['shoot.gardener.cloud/no-cleanup'], 'true');
    assert.deepEqual(selector, plain.spec.selector);
    assert.deepEqual([template.spec.tolerations, template.spec.nodeSelector], [tolerations, nodeSelector]);
    assert.ok(!('tolerations' in plain.spec.template.spec) && !('nodeSelector' in plain.spec.template.spec));
  });

  test('give the store nine tenths of the volume', () => {
    const objects = cacheObjects(valuesOf({ volume: { size: '10Gi', storageClassName: 'fast' } }));
    const { spec } = setOf(objects);
    assert.ok(spec.template.spec.containers[0].args.includes(`--max-size=${Math.floor(0.9 * 10 * 2 ** 30)}`));
    assert.deepEqual(spec.volumeClaimTemplates[0].spec.resources.requests, { storage: '10Gi' });
    assert.equal(spec.volumeClaimTemplates[0].spec.storageClassName, 'fast');
  });

  test('serve TLS by default', () => {
    const { spec } = setOf(cacheObjects(valuesOf())).spec.template;
    assert.ok(spec.volumes.some(({ secret }) => secret?.secretName === 'registry-docker-io-tls'));
    const plain = setOf(cacheObjects(valuesOf({ http: { tls: false } }))).spec.template.spec;
    assert.ok(!plain.volumes.some(({ name }) => name === 'tls'));
    assert.ok(!plain.containers[0].args.some((arg: string) => arg.startsWith('--tls')));
  });

  test('contain the keys that a cache reads from each named Secret, under the names in its configuration', () => {
    const secrets = new Map([
      ['hub', { username: 'dQ==', password: 'cA==', other: 'eA==' }],
      ['team', { '.dockerconfigjson': 'e30=', 'bundle.crt': 'eA==' }],
      ['ca', { 'bundle.crt': 'Yg==', password: 'eA==' }],
      ['never-named', { username: 'eA==' }],
    ]);
    const cache = {
      secretReferenceName: 'hub',
      credentials: [
        { repositories: ['a/*'], secretReferenceName: 'missing' },
        { repositories: ['b/*'], provider: 'ecr' },
        { repositories: ['c/*'], secretReferenceName: 'team' },
      ],
      caBundleSecretReferenceName: 'ca',
    };
    const objects = cacheObjects(valuesOf(cache, { secrets }));
    assert.deepEqual(dataOf(objects, 'Secret'), {
      'hub.username': 'dQ==',
      'hub.password': 'cA==',
      'team..dockerconfigjson': 'e30=',
      'ca.bundle.crt': 'Yg==',
    });
    const { volumes } = setOf(objects).spec.template.spec;
    const secret = volumes.find(({ name }) => name === 'secrets')?.secret;
    assert.deepEqual([secret?.optional, secret?.items], [true, undefined]);
  });

  test('do not change the pod, and so cause no restart, when Secrets change, are renamed or added', () => {
    const withSecrets = (cache: Record<string, unknown>, password: string): StatefulSet => {
      const secrets = new Map([['hub', { username: 'dQ==', password }]]);
      return setOf(cacheObjects(valuesOf(cache, { secrets })));
    };
    const before = withSecrets({ secretReferenceName: 'hub' }, 'b25l');
    assert.deepEqual(withSecrets({ secretReferenceName: 'hub' }, 'dHdv'), before);
    assert.deepEqual(withSecrets({ secretReferenceName: 'hub-2' }, 'b25l'), before);
    const credentials = [{ repositories: ['team/*'], secretReferenceName: 'team' }];
    assert.deepEqual(withSecrets({ credentials, caBundleSecretReferenceName: 'ca' }, 'b25l'), before);
  });

  test('replace a pod that is not ready, so that a corrected image replaces one that cannot be pulled', () => {
    assert.equal(setOf(cacheObjects(valuesOf())).spec.podManagementPolicy, 'Parallel');
  });

  test('request the resources that a cache needs, with the given priority, and limit only its memory', () => {
    const { spec } = setOf(cacheObjects(valuesOf())).spec.template;
    assert.deepEqual(spec.containers[0].resources, {
      requests: { cpu: '20m', memory: '128Mi' },
      limits: { memory: '512Mi' },
    });
    assert.equal(spec.priorityClassName, 'system-cluster-critical');
    const without = setOf(cacheObjects(valuesOf({}, { priorityClassName: undefined })));
    assert.ok(!('priorityClassName' in without.spec.template.spec));
  });

  test('allow ingress to the two ports of the cache, and to nothing else of its pod', () => {
    const objects = cacheObjects(valuesOf());
    assert.deepEqual((plainly(objects, 'NetworkPolicy') as { spec: unknown }).spec, {
      podSelector: { matchLabels: SELECTOR },
      policyTypes: ['Ingress'],
      ingress: [
        {
          ports: [
            { port: 'registry-cache', protocol: 'TCP' },
            { port: 'debug', protocol: 'TCP' },
          ],
        },
      ],
    });
    const [{ ports }] = setOf(objects).spec.template.spec.containers;
    assert.deepEqual(ports, [
      { name: 'registry-cache', containerPort: 5000, protocol: 'TCP' },
      { name: 'debug', containerPort: 5001, protocol: 'TCP' },
    ]);
  });

  test('allow a node to be drained, also while the cache is not ready', () => {
    assert.deepEqual((plainly(cacheObjects(valuesOf()), 'PodDisruptionBudget') as { spec: unknown }).spec, {
      maxUnavailable: 1,
      selector: { matchLabels: SELECTOR },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
  });

  test('select their pod by labels that it has', () => {
    const objects = cacheObjects(valuesOf());
    const { selector, template } = setOf(objects).spec;
    assert.deepEqual(selector, { matchLabels: SELECTOR });
    assert.deepEqual(
      (plainly(objects, 'Service') as { spec: { selector: unknown } }).spec.selector,
      SELECTOR,
    );
    for (const [name, value] of Object.entries(SELECTOR)) assert.equal(template.metadata.labels[name], value);
  });

  test('include a ServiceMonitor with the configured labels if the cluster has the Prometheus operator', () => {
    const serviceMonitorLabels = { release: 'prometheus', 'app.kubernetes.io/managed-by': 'another-owner' };
    const objects = cacheObjects(valuesOf({}, { serviceMonitor: true, serviceMonitorLabels }));
    const monitor = plainly(objects, 'ServiceMonitor') as {
      metadata: { labels: Readonly<Record<string, string>> };
      spec: { endpoints: { port: string }[] };
    };
    assert.equal(monitor.spec.endpoints[0]?.port, 'debug');
    assert.equal(monitor.metadata.labels['release'], 'prometheus');
    assert.equal(monitor.metadata.labels['app.kubernetes.io/managed-by'], 'larder-operator');
  });
});

test('property: equal values give equal objects, names are valid, and only the Secret contains secrets', () => {
  const host = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\.[a-z][a-z0-9]{0,11}){1,4}$/);
  fc.assert(
    fc.property(host, fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }), (name, port) => {
      const upstream = port === undefined ? name : `${name}:${port}`;
      const secrets = new Map([['login', { username: 'dXNlcg==', password: 'c2VjcmV0LXdvcmQ=' }]]);
      const make = (): KubeObject[] =>
        cacheObjects(valuesOf({ upstream, secretReferenceName: 'login' }, { secrets }));
      const objects = make();
      assert.equal(JSON.stringify(objects), JSON.stringify(make()));
      for (const { metadata, kind, ...rest } of objects) {
        assert.match(metadata.name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        assert.ok(metadata.name.length <= 63, metadata.name);
        assert.ok((metadata.labels?.['upstream-host']?.length ?? 0) <= 63);
        if (kind !== 'Secret') assert.ok(!JSON.stringify(rest).includes('c2VjcmV0LXdvcmQ='));
      }
    }),
  );
});
