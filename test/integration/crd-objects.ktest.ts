import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { API_VERSION, KIND } from '../../src/api/registry-config/schema.ts';
import type { RegistryConfigStatus } from '../../src/api/status/registry-config-status.ts';
import { refusal } from '../cluster/api-requests.ts';
import { kubeconfigOf } from '../cluster/kubeconfig.ts';
import { createKubectl } from '../cluster/kubectl.ts';
import { recordedUpdates } from '../gardener/recorded-admission.ts';
import { tempDir } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { causesOf, objectsPath, startCustomResources, type CustomResources } from './custom-resources.ts';

interface RecordedUpdate {
  readonly name: string;
  readonly old: readonly { readonly upstream: string }[];
  readonly new: readonly object[];
  /** `null` if the Gardener extension allows the change. */
  readonly message: string | null;
}

const updates = recordedUpdates() as RecordedUpdate[];

/** Updates that the CRDs allow and the Gardener extension refuses: a volume may grow, and garbage collection may be turned on again. */
const ALLOWED_NOW = new Set(['update-size-default-other', 'update-size-grow']);
/** Updates whose old object is invalid: a duplicate upstream, a negative ttl. */
const IMPOSSIBLE = new Set(['update-old-duplicate', 'update-ttl-negative-to-positive']);
const GROWS = 'field is immutable, except that a volume can grow';

const REFUSED_UPDATES: Readonly<Record<string, readonly string[]>> = {
  'update-all-at-once': [
    "spec.caches[0].remoteURL: url must start with 'http://' or 'https://' scheme",
    'spec.caches[0].volume.storageClassName: field is immutable',
    'spec.caches[0].volume.storageClassName: SUBDOMAIN',
  ],
  'update-extension-index-changed': [`spec.caches[0].volume.size: ${GROWS}`],
  'update-reordered-and-changed': [
    'spec.caches[1].volume.storageClassName: field is immutable',
    `spec.caches[0].volume.size: ${GROWS}`,
  ],
  'update-size-invalid-and-changed': [
    `spec.caches[0].volume.size: ${GROWS}`,
    'spec.caches[0].volume.size: must be greater than 0',
  ],
  'update-size-shrink': [`spec.caches[0].volume.size: ${GROWS}`],
  'update-storageclass-changed': ['spec.caches[0].volume.storageClassName: field is immutable'],
};

describe('objects of our kinds at a real API server', requireParts(GROUPS.api), () => {
  let api: CustomResources;
  before(async () => {
    api = await startCustomResources();
  });
  after(() => api[Symbol.asyncDispose]());

  const objects = objectsPath(API_VERSION, KIND);
  const named = (name: string, caches: readonly object[]) => ({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name },
    spec: { caches },
  });
  const created = async (name: string, caches: readonly object[]) => {
    const answer = await api.request('POST', objects, named(name, caches));
    assert.equal(refusal(answer)?.message, undefined);
    return answer as { metadata: object; spec: { caches: Record<string, unknown>[] } };
  };

  for (const { name, old, new: changed, message } of updates.filter(
    (update) => !IMPOSSIBLE.has(update.name),
  )) {
    const refused = message !== null && !ALLOWED_NOW.has(name);
    test(`a change, with entries matched by upstream, is ${refused ? 'refused' : 'allowed'}: ${name}`, async () => {
      const before = await created(name, old);
      const answer = await api.request('PUT', `${objects}/${name}?dryRun=All`, {
        ...before,
        spec: { caches: changed },
      });
      const causes = causesOf(refusal(answer) ?? { kind: 'Status', message: '' });
      assert.deepEqual(
        causes.map((cause) => cause.replace(/a lowercase RFC 1123 subdomain.*/, 'SUBDOMAIN')),
        refused ? [...(REFUSED_UPDATES[name] ?? [])].sort() : [],
      );
      assert.equal(refusal(answer) !== undefined, refused);
    });
  }

  test('defaults are filled in, and an empty garbageCollection or http keeps its own meaning', async () => {
    const { spec } = await created('defaults', [
      { upstream: 'a.io' },
      { upstream: 'b.io', garbageCollection: {}, http: {} },
      { upstream: 'c.io', garbageCollection: { maxSize: 1_000_000 }, http: null },
    ]);
    const [a, b, c] = spec.caches;
    assert.deepEqual([a?.['garbageCollection'], a?.['http']], [{ ttl: '168h' }, { tls: true }]);
    assert.deepEqual([b?.['garbageCollection'], b?.['http']], [{ ttl: '0s' }, { tls: false }]);
    assert.deepEqual(
      [c?.['garbageCollection'], c?.['http']],
      [{ ttl: '0s', maxSize: 1_000_000 }, { tls: true }],
    );
    assert.deepEqual(a?.['volume'], { size: '10Gi' });
    assert.deepEqual(a?.['authentication'], { realm: 'Upstream', proofLifetime: '5m', outageGrace: '0s' });
  });

  test('two caches may not have one Service name', async () => {
    const problemsOf = async (...caches: object[]) => {
      const answer = await api.request('POST', `${objects}?dryRun=All`, named('services', caches));
      return causesOf(refusal(answer) ?? { kind: 'Status', message: '' });
    };
    const [suffixed, computed] = [
      { upstream: 'a.io', serviceNameSuffix: 'b-io-5000' },
      { upstream: 'b.io:5000' },
    ];
    assert.deepEqual(await problemsOf(suffixed, computed), [
      'spec.caches: serviceNameSuffix: cannot collide with another upstream',
    ]);
    assert.deepEqual(await problemsOf(suffixed, { ...computed, serviceNameSuffix: 'b-io-5000' }), [
      'spec.caches: a serviceNameSuffix stands twice',
    ]);
    assert.deepEqual(await problemsOf(suffixed, { ...computed, serviceNameSuffix: 'other' }), []);
  });

  test('100 caches with every field fit into the CEL budget of a request, and 101 are too many', async () => {
    const caches = Array.from({ length: 101 }, (_, index) => fullCache(index));
    await created('largest', caches.slice(0, 100));
    const answer = await api.request('POST', objects, named('larger', caches));
    assert.deepEqual(causesOf(refusal(answer) ?? { kind: 'Status', message: '' }), [
      'spec.caches: Too many: 101: must have at most 100 items',
    ]);
  });

  test('kubectl get shows the state of an object', async () => {
    await created('columns', [{ upstream: 'a.io' }]);
    const at = '2026-01-01T00:00:00Z';
    const common = { observedGeneration: 1, lastTransitionTime: at, message: 'one' };
    const status: RegistryConfigStatus = {
      observedGeneration: 1,
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Serving', ...common },
        { type: 'Degraded', status: 'True', reason: 'CredentialExpiring', ...common },
      ],
      caches: [
        {
          upstream: 'a.io',
          state: 'Serving',
          endpoint: 'https://10.96.0.9:5000',
          nodes: { configured: 4, total: 5 },
          volume: { sizeBytes: 10_737_418_240, usedBytes: 5_000_000_000 },
          hitRatioPercent: 93,
          bytesSaved: 128_849_018_880,
          credentialState: 'Expiring',
          lastUpstreamError: { code: 'UPSTREAM_5XX', message: 'answered 503', time: at },
        },
      ],
      summary: { caches: '1/1', nodes: '4/5', hits: '93%', saved: '120Gi' },
    };
    const patch = JSON.stringify({ status });
    const { kubectl } = api.server;
    await kubectl('patch', 'regcfg', 'columns', '--subresource=status', '--type=merge', '--patch', patch);
    const [head = '', row = ''] = (await kubectl('get', 'regcfg', 'columns')).split('\n');
    assert.deepEqual(head.split(/ +/), 'NAME READY REASON DEGRADED CACHES NODES HITS SAVED AGE'.split(' '));
    assert.deepEqual(row.split(/ +/).slice(0, -1), 'columns True Serving True 1/1 4/5 93% 120Gi'.split(' '));
    const stored = await kubectl.json<{ status: object }>('regcfg', 'columns');
    assert.deepEqual(stored.status, status);
    assert.match(await kubectl('get', 'larder', '--output', 'wide'), /CredentialExpiring/);
  });

  test('kubectl explain shows the meaning of each field', async () => {
    const text = await api.server.kubectl('explain', 'registryconfig.spec.caches.garbageCollection');
    assert.match(text, /When content is removed from the cache\./);
    assert.match(text, /ttl\s+<string>\s+Content that has not been used for this long is removed\./);
    assert.match(
      await api.server.kubectl('explain', 'mirrorconfig.spec.mirrors.hosts.capabilities'),
      /trusted/,
    );
  });

  test('the roles edit and admin of a namespace give no right to configure caches', async () => {
    using own = tempDir();
    const { kubectl } = api.server;
    await kubectl('create', 'rolebinding', 'editor', '--clusterrole=edit', '--user=editor');
    await kubectl('create', 'rolebinding', 'admin', '--clusterrole=admin', '--user=owner');
    for (const commonName of ['editor', 'owner']) {
      const theirs = createKubectl({
        kubeconfig: own.write(`${commonName}.conf`, kubeconfigOf(api.server.accessFor({ commonName }))),
        cache: own.path,
      });
      await assert.rejects(theirs('get', 'registryconfigs'), /cannot list resource "registryconfigs"/);
    }
  });
});

/** Cache with values of realistic length, and with as many credentials and images to preload as one upstream may have. */
function fullCache(index: number): { upstream: string } {
  const host = `registry-${index}.europe-west1.production.example.com`;
  return {
    upstream: `${host}:5000`,
    remoteURL: `https://internal.${host}:5000/`,
    authentication: { mode: 'Shared', realm: 'Cache', proofLifetime: '5m', outageGrace: '4h' },
    freshness: { tagTTL: '30s', staleIfError: '24h' },
    garbageCollection: { ttl: '336h', maxSize: '80Gi' },
    volume: { size: '100Gi', storageClassName: 'premium-rwo' },
    secretReferenceName: `credentials-of-${index}`,
    credentials: Array.from({ length: 25 }, (_, team) => ({
      repositories: [`team-${team}/*`, `shared/team-${team}/**`],
      secretReferenceName: `credentials-of-team-${team}`,
    })),
    caBundleSecretReferenceName: 'ca',
    proxy: { httpProxy: 'http://proxy.example.com:3128', httpsProxy: 'http://proxy.example.com:3128' },
    serviceNameSuffix: `suffix-${index}`,
    preload: Array.from({ length: 100 }, (_, image) => `library/image-${image}:1.2.${image}`),
  } as { upstream: string };
}
