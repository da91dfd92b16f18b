import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startCacheSetting, SYSTEM } from '../../../test/operator/cache-setting.ts';
import type { StoredObject } from '../../../test/kube/api-store.ts';
import { identityOf } from '../render/identity.ts';

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

  /** Until nothing is left to do, as the controller would. */
  async function settle(): Promise<void> {
    for (;;) {
      const { version } = the.api.store;
      await the.reconcile(KEY);
      if (the.api.store.version === version) return;
    }
  }

  /** Of the Secret `team/<name>`, as its user writes it. */
  function putSecret(name: string, password: string, namespace = 'team'): void {
    const data = { username: 'dQ==', password: Buffer.from(password).toString('base64') };
    the.api.put(IN.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data });
  }

  /** A pod, or a claim, of the cache's StatefulSet. */
  function putChild(collection: string, kind: string, name: string, spec: object): void {
    const { labels } = identityOf({ cache: { upstream: 'docker.io', serviceNameSuffix: undefined } });
    const annotations = { upstream: 'docker.io', 'larder/asked-by': 'RegistryConfig team/hub' };
    const metadata = { namespace: SYSTEM, name, labels, annotations };
    the.api.put(collection, { apiVersion: 'v1', kind, metadata, spec });
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
      of: 'who may reach it',
      collection: IN.policies,
      name: KEY,
      change: ({ spec }) => ({ spec: { ...(spec as object), ingress: [] } }),
    },
    {
      of: 'whether its node may be drained',
      collection: IN.budgets,
      name: KEY,
      change: ({ spec }) => ({ spec: { ...(spec as object), maxUnavailable: 0 } }),
    },
    {
      of: 'the logins that it has',
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
      of: 'whose it is',
      collection: IN.services,
      name: KEY,
      change: ({ metadata }) => ({ metadata: { ...metadata, annotations: {} } }),
    },
    {
      of: 'the label by which it is known',
      collection: IN.secrets,
      name: `${KEY}-secrets`,
      change: ({ metadata }) => ({ metadata: { ...metadata, labels: {} } }),
    },
  ];
  for (const { of, collection, name, change } of drifts) {
    test(`puts back what somebody has changed: ${of}`, async () => {
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

  test('issues its certificate anew when somebody has changed that', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    const whole = the.held(IN.secrets, TLS);
    assert.ok(whole);
    const { resourceVersion: _, ...metadata } = whole.metadata;
    the.api.put(IN.secrets, { ...whole, metadata, data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' } });
    await the.reconcile(KEY);
    assert.ok(certificate().checkHost(`${KEY}.${SYSTEM}.svc`));
  });

  for (const name of [TLS, `${KEY}-secrets`]) {
    test(`leaves a Secret ${name} alone that somebody else has made, also when the cache goes`, async () => {
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

  test('says so when a Secret of the name of the authority is not its own', async () => {
    putSecret('larder-ca', 'theirs', SYSTEM);
    the.ask({ upstream: 'docker.io' });
    await the.reconcile(KEY);
    assert.match(the.states.get(KEY)?.problem ?? '', /^Secret larder-system\/larder-ca exists/);
  });

  test('takes another Secret, when that is named, to the running pod, whose template stays as it is', async () => {
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

  test('says in the words of the server why a claim cannot grow, and tries again within minutes', async () => {
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

  test('takes the Service of a name before away, once nodes have turned to the one of now', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    await the.tellNodes();
    const { revision } = the.document.current();
    the.report('n1', { revision }, 'docker.io');

    the.ask({ upstream: 'docker.io', serviceNameSuffix: 'hub' });
    await settle();
    assert.ok(the.held(IN.services, 'registry-hub'));
    assert.ok(the.held(IN.services, KEY), 'gone before nodes were told');
    const former = `${KEY}.${SYSTEM}.svc`;
    assert.ok(certificate().checkHost(former), 'nodes do not trust the cache before they are told');
    assert.ok(certificate().checkHost(`registry-hub.${SYSTEM}.svc`));
    await the.tellNodes();
    await settle();
    assert.ok(the.held(IN.services, KEY), 'gone before the node has turned away');
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
    await the.tellNodes();
    the.report('n1', the.document.current(), 'docker.io');
    the.ask({ upstream: 'docker.io', serviceNameSuffix: 'hub' });
    await settle();
    await the.tellNodes();
    await settle();
    the.clock.advance(5 * 60_000 - 1);
    await settle();
    assert.ok(the.held(IN.services, KEY));
    the.clock.advance(1);
    await settle();
    assert.equal(the.held(IN.services, KEY), undefined);
  });

  test('takes the certificate of a cache away that serves no TLS any more', async () => {
    the.ask({ upstream: 'docker.io' });
    await settle();
    await the.tellNodes();
    the.ask({ upstream: 'docker.io', http: { tls: false } });
    await settle();
    assert.ok(the.held(IN.secrets, TLS), 'gone before nodes were told');
    await the.tellNodes();
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

/** All of it but what every write changes. */
function contentOf(object: StoredObject | undefined): object {
  const { resourceVersion: _, generation: __, ...metadata } = (object as StoredObject).metadata;
  return { ...object, metadata };
}

function annotationsOf(object: StoredObject | undefined): Readonly<Record<string, string>> {
  return (object?.metadata['annotations'] as Record<string, string> | undefined) ?? {};
}
