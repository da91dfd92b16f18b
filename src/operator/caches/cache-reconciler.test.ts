import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { waitFor } from '../../../test/kit/wait.ts';
import { startCacheSetting, SYSTEM } from '../../../test/operator/cache-setting.ts';
import type { StoredObject } from '../../../test/kube/api-store.ts';
import { cacheNamesOf } from '../render/cache-names.ts';

const KEY = 'registry-docker-io';
const IN = {
  services: 'v1/services',
  configMaps: 'v1/configmaps',
  secrets: 'v1/secrets',
  pods: 'v1/pods',
  claims: 'v1/persistentvolumeclaims',
  sets: 'apps/v1/statefulsets',
  policies: 'networking.k8s.io/v1/networkpolicies',
  budgets: 'policy/v1/poddisruptionbudgets',
} as const;
const TLS = `${KEY}-tls`;

describe('the reconcile of a cache', () => {
  let the: Awaited<ReturnType<typeof startCacheSetting>>;
  beforeEach(async () => {
    the = await startCacheSetting();
  });
  afterEach(() => the[Symbol.asyncDispose]());

  /** Reconciles until nothing changes, as the controller would. */
  async function settle(): Promise<void> {
    for (;;) {
      const { version } = the.api.store;
      await the.reconcile(KEY);
      if (the.api.store.version === version) return;
    }
  }

  /** Writes a login Secret, in `team` by default. */
  function putSecret(name: string, password: string, namespace = 'team'): void {
    const data = { username: 'dQ==', password: Buffer.from(password).toString('base64') };
    the.api.put(IN.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data });
  }

  /** Creates a pod or a claim, as the StatefulSet of the cache would. */
  function putChild(collection: string, kind: string, name: string, spec: object, status?: object): void {
    const { labels } = cacheNamesOf({ cache: { upstream: 'docker.io', serviceNameSuffix: undefined } });
    const annotations = { upstream: 'docker.io', 'larder/asked-by': 'RegistryConfig team/hub' };
    const metadata = { namespace: SYSTEM, name, labels, annotations };
    the.api.put(collection, { apiVersion: 'v1', kind, metadata, spec, ...(status && { status }) });
  }

  function certificate(): X509Certificate {
    const data = the.held(IN.secrets, TLS)?.['data'] as Record<string, string>;
    return new X509Certificate(Buffer.from(data['tls.crt'] ?? '', 'base64'));
  }

  const drifts: readonly {
    readonly of: string;
    readonly collection: string;
    readonly name: string;
    readonly change: (object: StoredObject) => object;
  }[] = [
    {
      of: 'the selector of its Service',
      collection: IN.services,
      name: KEY,
      change: ({ spec }) => ({ spec: { ...(spec as object), selector: { app: 'other' } } }),
    },
    {
      of: 'its configuration',
      collection: IN.configMaps,
      name: `${KEY}-config`,
      change: () => ({ data: { 'config.yaml': 'caches: []' } }),
    },
    {
      of: 'its NetworkPolicy',
      collection: IN.policies,
      name: KEY,
      change: ({ spec }) => ({ spec: { ...(spec as object), ingress: [] } }),
    },
    {
      of: 'its PodDisruptionBudget',
      collection: IN.budgets,
      name: KEY,
      change: ({ spec }) => ({ spec: { ...(spec as object), maxUnavailable: 0 } }),
    },
    {
      of: 'its logins',
      collection: IN.secrets,
      name: `${KEY}-secrets`,
      change: () => ({ data: { 'login.username': 'eA==', 'login.password': 'eA==' } }),
    },
    {
      of: 'its image',
      collection: IN.sets,
      name: KEY,
      change: ({ spec }) => {
        const changed = structuredClone(spec) as {
          template: { spec: { containers: { image: string }[] } };
        };
        for (const container of changed.template.spec.containers) container.image = 'other';
        return { spec: changed };
      },
    },
    {
      of: 'its owner',
      collection: IN.services,
      name: KEY,
      change: ({ metadata }) => ({ metadata: { ...metadata, annotations: {} } }),
    },
    {
      of: 'the label of the operator',
      collection: IN.secrets,
      name: `${KEY}-secrets`,
      change: ({ metadata }) => ({ metadata: { ...metadata, labels: {} } }),
    },
  ];
  for (const { of, collection, name, change } of drifts) {
    test(`reverts an edit by hand: ${of}`, async () => {
      putSecret('login', 'one');
      the.ask({ upstream: 'docker.io', secretReferenceName: 'login' });
      await settle();
      const whole = the.held(collection, name);
      assert.ok(whole);
      const { resourceVersion: _, ...metadata } = whole.metadata;
      the.api.put(collection, { ...whole, metadata, ...withoutVersion(change(whole)) });
      assert.notDeepEqual(contentOf(the.held(collection, name)), contentOf(whole));
      await the.reconcile(KEY);
      assert.deepEqual(contentOf(the.held(collection, name)), contentOf(whole));
    });
  }

  test('issues a new certificate after an edit by hand', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    const whole = the.held(IN.secrets, TLS);
    assert.ok(whole);
    const { resourceVersion: _, ...metadata } = whole.metadata;
    the.api.put(IN.secrets, { ...whole, metadata, data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' } });
    await the.reconcile(KEY);
    assert.ok(certificate().checkHost(`${KEY}.${SYSTEM}.svc`));
  });

  test('writes no pod after a label on all of its Secrets', async () => {
    putSecret('login', 'one');
    the.ask({ upstream: 'docker.io', secretReferenceName: 'login' });
    putChild(IN.pods, 'Pod', `${KEY}-0`, {});
    await settle();
    const pod = the.held(IN.pods, `${KEY}-0`);
    assert.match(JSON.stringify(pod?.metadata), /larder\/files/);
    for (const name of [TLS, `${KEY}-secrets`]) {
      const secret = the.held(IN.secrets, name);
      assert.ok(secret);
      const { resourceVersion: _, ...metadata } = secret.metadata;
      const labels = {
        ...metadata.labels,
        'credentials.gardener.cloud/key-name': 'kube-apiserver-etcd-encryption-key',
      };
      the.api.put(IN.secrets, { ...secret, metadata: { ...metadata, labels } });
    }
    await settle();
    assert.deepEqual(the.held(IN.pods, `${KEY}-0`), pod);
  });

  for (const name of [TLS, `${KEY}-secrets`]) {
    test(`leaves a Secret ${name} of another owner unchanged, also when the cache is removed`, async () => {
      putSecret(name, 'theirs', SYSTEM);
      const theirs = the.held(IN.secrets, name);
      the.ask({ upstream: 'docker.io' });
      assert.deepEqual(await the.reconcile(KEY), { requeueAfterMs: 5_000 });
      const problem = the.states.get(KEY)?.problem ?? '';
      assert.ok(problem.startsWith(`Secret ${SYSTEM}/${name} exists and was not made by Larder`), problem);
      assert.deepEqual(the.held(IN.secrets, name), theirs);

      the.ask();
      await settle();
      assert.equal(the.held(IN.services, KEY), undefined);
      assert.deepEqual(the.held(IN.secrets, name), theirs);

      the.api.remove(IN.secrets, name, SYSTEM);
      the.ask({ upstream: 'docker.io' });
      await settle();
      assert.equal(the.states.get(KEY)?.problem, undefined);
    });
  }

  test('reports a Secret with the name of the authority that is not its own', async () => {
    putSecret('larder-ca', 'theirs', SYSTEM);
    the.ask({ upstream: 'docker.io' });
    await the.reconcile(KEY);
    assert.match(the.states.get(KEY)?.problem ?? '', /^Secret larder-system\/larder-ca exists/);
  });

  test('delivers another named Secret to the running pod without a change of its template', async () => {
    putSecret('login-1', 'one');
    putSecret('login-2', 'two');
    the.ask({ upstream: 'docker.io', secretReferenceName: 'login-1' });
    await settle();
    putChild(IN.pods, 'Pod', `${KEY}-0`, {});
    await settle();
    const set = the.held(IN.sets, KEY);
    const mark = () => annotationsOf(the.held(IN.pods, `${KEY}-0`))['larder/files'];
    const first = mark();
    assert.ok(first);

    the.ask({ upstream: 'docker.io', secretReferenceName: 'login-2' });
    await the.reconcile(KEY);
    const data = the.held(IN.secrets, `${KEY}-secrets`)?.['data'] as Record<string, string>;
    assert.deepEqual(
      Object.values(data).map((content) => Buffer.from(content, 'base64').toString()),
      ['u', 'two'],
    );
    assert.notEqual(mark(), first);
    assert.deepEqual(the.held(IN.sets, KEY), set);
  });

  test('reports why a claim cannot grow in the words of the server, and tries again within minutes', async () => {
    the.ask({ upstream: 'docker.io', volume: { size: '2Gi' } });
    await settle();
    const name = `cache-volume-${KEY}-0`;
    putChild(IN.claims, 'PersistentVolumeClaim', name, { resources: { requests: { storage: '1Gi' } } });
    const message = 'exceeded quota: storage, requested: 1Gi, used: 1Gi, limited: 1Gi';
    the.api.faults.add({
      verb: 'patch',
      fault: { kind: 'status', status: 403, reason: 'Forbidden', message },
    });
    const refused = await the.reconcile(KEY);
    assert.ok(the.states.get(KEY)?.volumeProblem?.includes(message), the.states.get(KEY)?.volumeProblem);
    assert.ok(typeof refused === 'object' && 'requeueAfterMs' in refused);
    assert.ok(refused.requeueAfterMs <= 5 * 60_000, String(refused.requeueAfterMs));

    await the.reconcile(KEY);
    assert.equal(the.states.get(KEY)?.volumeProblem, undefined);
    const spec = the.held(IN.claims, name)?.['spec'];
    assert.deepEqual(spec, { resources: { requests: { storage: '2Gi' } } });
  });

  test('sizes the store by the volume as it is after the Secrets were read, which may take long', async () => {
    putSecret('login', 'one');
    the.ask({ upstream: 'docker.io', secretReferenceName: 'login' });
    const fault = { kind: 'status', status: 429, retryAfter: 2 } as const;
    the.api.faults.add({ verb: 'get', path: '/secrets/login', fault });
    const reconciled = the.reconcile(KEY);
    await waitFor(() => the.api.faults.left === 0);
    const claim = `cache-volume-${KEY}-0`;
    putChild(IN.claims, 'PersistentVolumeClaim', claim, {}, { capacity: { storage: '1Gi' } });
    await the.seeAll();
    await reconciled;
    const set = JSON.stringify(the.held(IN.sets, KEY)?.['spec']);
    assert.ok(set.includes(`"--max-size=${Math.floor(0.9 * 2 ** 30)}"`), set);
  });

  test('deletes the Service under its former name once nodes use the current one', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    await the.publishDocument();
    const { revision } = the.document.current();
    the.report('n1', { revision }, 'docker.io');

    the.ask({ upstream: 'docker.io', serviceNameSuffix: 'hub' });
    await settle();
    assert.ok(the.held(IN.services, 'registry-hub'));
    assert.ok(the.held(IN.services, KEY), 'deleted before the document was published');
    const former = `${KEY}.${SYSTEM}.svc`;
    assert.ok(
      certificate().checkHost(former),
      'nodes do not trust the cache until the document is published',
    );
    assert.ok(certificate().checkHost(`registry-hub.${SYSTEM}.svc`));
    await the.publishDocument();
    await settle();
    assert.ok(the.held(IN.services, KEY), 'deleted while the node still used it');
    the.report('n1', the.document.current(), 'docker.io');
    await settle();
    assert.equal(the.held(IN.services, KEY), undefined);
    assert.ok(the.held(IN.services, 'registry-hub'));
    assert.equal(certificate().checkHost(former), undefined);
    const last = await the.reconcile(KEY);
    assert.ok(typeof last === 'object' && 'requeueAfterMs' in last && last.requeueAfterMs > 60_000);
  });

  test('does not wait for a node that has been silent for five minutes', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    await the.publishDocument();
    the.report('n1', the.document.current(), 'docker.io');
    the.ask({ upstream: 'docker.io', serviceNameSuffix: 'hub' });
    await settle();
    await the.publishDocument();
    await settle();
    the.clock.advance(5 * 60_000 - 1);
    await settle();
    assert.ok(the.held(IN.services, KEY));
    the.clock.advance(1);
    await settle();
    assert.equal(the.held(IN.services, KEY), undefined);
  });

  test('deletes the certificate of a cache that no longer serves TLS', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    await the.publishDocument();
    the.ask({ upstream: 'docker.io', http: { tls: false } });
    await settle();
    assert.ok(the.held(IN.secrets, TLS), 'deleted before the document was published');
    await the.publishDocument();
    await settle();
    assert.equal(the.held(IN.secrets, TLS), undefined);
    assert.ok(the.held(IN.secrets, `${KEY}-secrets`));
  });
});

function withoutVersion(change: object): object {
  if (!('metadata' in change)) return change;
  const { resourceVersion: _, ...metadata } = change.metadata as StoredObject['metadata'];
  return { ...change, metadata };
}

/** The object without the fields that every write changes. */
function contentOf(object: StoredObject | undefined): object {
  const { resourceVersion: _, generation: __, ...metadata } = (object as StoredObject).metadata;
  return { ...object, metadata };
}

function annotationsOf(object: StoredObject | undefined): Readonly<Record<string, string>> {
  return (object?.metadata['annotations'] as Record<string, string> | undefined) ?? {};
}
