import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ApiServer } from '../cluster/start-api-server.ts';
import { createTestPki, parseMetrics, get as httpGet, waitFor } from '../kit/index.ts';
import {
  mirrorConfig,
  nodeReport,
  observer,
  operate,
  registryConfig,
  secret,
  startOperatedApi,
  SYSTEM,
  TEAM,
} from '../operator/setting.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const QUICK = { limitMs: 40_000, everyMs: 100 };

describe(
  'an operator and a real API server',
  requireParts([...GROUPS.api, 'kube-controller-manager']),
  () => {
    const cleanup = new AsyncDisposableStack();
    let api: ApiServer;
    let see: ReturnType<typeof observer>;
    let operator: Awaited<ReturnType<typeof operate>>;

    before(async () => {
      api = cleanup.use(await startOperatedApi());
      see = observer(api.kubectl);
      operator = await operate({ kubeconfig: api.kubeconfig });
      cleanup.defer(() => operator[Symbol.asyncDispose]());
    });
    after(() => cleanup.disposeAsync());

    const team = (...args: readonly string[]) => api.kubectl('--namespace', TEAM, ...args);
    const system = (...args: readonly string[]) => api.kubectl('--namespace', SYSTEM, ...args);

    /** Restores the cluster after every test, which also shows that deletion ends. */
    afterEach(async () => {
      await system('delete', 'leases', '--selector=larder/node-status=true');
      await team('delete', 'registryconfigs,mirrorconfigs,secrets', '--all', '--timeout=50s');
      await waitFor(async () => (await see.ours()).join() === 'configmap/larder-nodes,secret/larder-ca', {
        ...QUICK,
        what: 'all caches to be gone',
      });
    });

    test('creates all objects of a cache, and restores those that are changed or deleted by hand', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      const all = [
        'configmap/larder-nodes',
        'configmap/registry-docker-io-config',
        'networkpolicy.networking.k8s.io/registry-docker-io',
        'poddisruptionbudget.policy/registry-docker-io',
        'secret/larder-ca',
        'secret/registry-docker-io-secrets',
        'secret/registry-docker-io-tls',
        'service/registry-docker-io',
        'statefulset.apps/registry-docker-io',
      ];
      await waitFor(async () => assert.deepEqual(await see.ours(), all) ?? true, {
        ...QUICK,
        what: 'all objects',
      });
      await system(
        'delete',
        'service,configmap,networkpolicy,poddisruptionbudget',
        '--selector=app=registry-docker-io',
      );
      await system('delete', 'secret', 'registry-docker-io-tls');
      await system(
        'patch',
        'statefulset',
        'registry-docker-io',
        '--type=merge',
        '--patch={"spec":{"replicas":3}}',
      );
      await waitFor(
        async () => {
          const set = await see.get('statefulset', 'registry-docker-io');
          return assert.deepEqual([await see.ours(), set?.spec?.['replicas']], [all, 1]) ?? true;
        },
        { ...QUICK, what: 'all objects to be restored' },
      );
    });

    test('touches no object of another owner, whatever its name', async () => {
      await system('create', 'configmap', 'registry-quay-io-notes', '--from-literal=a=b');
      const before = await see.get('configmap', 'registry-quay-io-notes');
      await api.kubectl.apply(registryConfig('quay', { upstream: 'quay.io' }));
      await waitFor(() => see.get('statefulset', 'registry-quay-io'), QUICK);
      await team('delete', 'registryconfig', 'quay', '--timeout=50s');
      assert.deepEqual(await see.get('configmap', 'registry-quay-io-notes'), before);
      await system('delete', 'configmap', 'registry-quay-io-notes');
    });

    test('does not take over an object of its name with another owner, and names that object', async () => {
      await system('create', 'service', 'clusterip', 'registry-quay-io', '--tcp=80:80');
      const before = await see.get('service', 'registry-quay-io');
      await api.kubectl.apply(registryConfig('quay', { upstream: 'quay.io' }));
      assert.match(
        await see.reason('quay', 'Progressing', 'Stuck'),
        /Service larder-system\/registry-quay-io exists and was not made by Larder/,
      );
      assert.deepEqual(await see.get('service', 'registry-quay-io'), before);
      await system('delete', 'service', 'registry-quay-io');
      await see.reason('quay', 'Progressing', 'Settled');
    });

    test('does not take over a Secret of its name with another owner, although it watches all Secrets', async () => {
      await system('create', 'secret', 'generic', 'registry-quay-io-tls', '--from-literal=a=b');
      const before = await see.get('secret', 'registry-quay-io-tls');
      await api.kubectl.apply(registryConfig('quay', { upstream: 'quay.io' }));
      assert.match(
        await see.reason('quay', 'Progressing', 'Stuck'),
        /Secret larder-system\/registry-quay-io-tls exists and was not made by Larder/,
      );
      await team('delete', 'registryconfig', 'quay', '--timeout=50s');
      assert.deepEqual(await see.get('secret', 'registry-quay-io-tls'), before);
      await system('delete', 'secret', 'registry-quay-io-tls');
    });

    test('runs a cache in a pod that the strictest Pod Security Standard accepts', async () => {
      const strict = 'pod-security.kubernetes.io/enforce';
      await api.kubectl.apply({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'strict', labels: { [strict]: 'restricted' } },
      });
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      const set = await waitFor(() => see.get('statefulset', 'registry-docker-io'), QUICK);
      const { template } = set.spec as { template: { spec: { volumes: object[] } } };
      const { spec } = template;
      const volumes = [...spec.volumes, { name: 'cache-volume', emptyDir: {} }];
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'strict', name: 'cache' },
        spec: { ...spec, volumes },
      };
      await waitFor(() => see.get('serviceaccount', 'default', 'strict'), QUICK);
      await api.kubectl.apply(pod);
      // This namespace refuses another pod, so it enforces the standard.
      const loose = {
        ...pod,
        metadata: { namespace: 'strict', name: 'loose' },
        spec: { containers: [{ name: 'a', image: 'a' }] },
      };
      await assert.rejects(api.kubectl.apply(loose), /violates PodSecurity "restricted:latest"/);
      await api.kubectl('delete', 'namespace', 'strict', '--wait=false');
    });

    test("publishes the cache's address to nodes, with a certificate that they accept", async () => {
      await api.kubectl.apply(
        registryConfig('hub', { upstream: 'docker.io' }, { upstream: 'plain.example', http: { tls: false } }),
      );
      const document = await waitFor(async () => {
        const now = await see.document();
        return now.caches.length === 2 ? now : undefined;
      }, QUICK);
      const [hub, plain] = document.caches;
      const service = await see.get('service', 'registry-docker-io');
      assert.deepEqual(hub, {
        upstream: 'docker.io',
        server: 'https://registry-1.docker.io',
        endpoint: `https://${String(service?.spec?.['clusterIP'])}:5000`,
        serverName: 'registry-docker-io.larder-system.svc',
        askedBy: 'RegistryConfig team/hub',
      });
      assert.match(plain?.endpoint ?? '', /^http:/);
      const pem = Buffer.from(
        (await see.get('secret', 'registry-docker-io-tls'))?.data?.['tls.crt'] ?? '',
        'base64',
      );
      const certificate = new X509Certificate(pem);
      assert.equal(certificate.checkHost(hub?.serverName ?? ''), hub?.serverName);
      assert.equal(certificate.verify(new X509Certificate(document.ca).publicKey), true);
    });

    test('creates a new authority, and all certificates again, when its Secret is deleted', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      const before = await waitFor(async () => {
        const now = await see.document();
        return now.caches.length === 1 ? now : undefined;
      }, QUICK);
      await system('delete', 'secret', 'larder-ca');
      await waitFor(async () => {
        const { ca } = await see.document();
        const { data } = (await see.get('secret', 'registry-docker-io-tls')) ?? {};
        const certificate = new X509Certificate(Buffer.from(data?.['tls.crt'] ?? '', 'base64'));
        return ca !== before.ca && certificate.verify(new X509Certificate(ca).publicKey);
      }, QUICK);
    });

    test('reports a missing Secret, and uses a new, changed or renamed Secret within two seconds', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io', secretReferenceName: 'login' }));
      const message = await see.reason('hub', 'Degraded', 'CredentialMissing');
      assert.equal(
        message,
        'docker.io: failed to get secret team/login for secretReferenceName login: secrets "login" not found',
      );
      const events = await api.kubectl.json<{ items: readonly { reason: string; note: string }[] }>(
        'events.events.k8s.io',
        '--namespace',
        TEAM,
      );
      assert.ok(
        events.items.some(({ reason, note }) => reason === 'CredentialMissing' && note.includes('login')),
      );

      const marks: (string | undefined)[] = [];
      const isWithTheCache = async (password: string, name = 'login'): Promise<void> => {
        await waitFor(
          async () => {
            const { data } = (await see.get('secret', 'registry-docker-io-secrets')) ?? {};
            return Buffer.from(data?.[`${name}.password`] ?? '', 'base64').toString() === password;
          },
          { ...QUICK, everyMs: 50, what: `the password ${password} in the cache's Secret` },
        );
        const pod = await waitFor(
          async () => {
            const now = await see.get('pod', 'registry-docker-io-0');
            return marks.includes(now?.metadata.annotations?.['larder/files']) ? undefined : now;
          },
          { ...QUICK, what: 'the pod to be marked' },
        );
        marks.push(pod.metadata.annotations?.['larder/files']);
      };
      for (const password of ['one', 'two']) {
        await api.kubectl.apply(secret('login', { username: 'alice', password }));
        await isWithTheCache(password);
      }
      const before = await see.get('statefulset', 'registry-docker-io');
      await api.kubectl.apply(secret('login-3', { username: 'alice', password: 'three' }));
      await api.kubectl.apply(
        registryConfig('hub', { upstream: 'docker.io', secretReferenceName: 'login-3' }),
      );
      await isWithTheCache('three', 'login-3');
      const { spec } = (await see.get('statefulset', 'registry-docker-io')) ?? {};
      assert.deepEqual(spec, before?.spec, 'another name restarts the cache');
      await see.reason('hub', 'Degraded', 'Healthy');
    });

    test('gives an upstream to the older of two objects, and after its deletion to the younger, with a new volume', async () => {
      await api.kubectl.apply(registryConfig('older', { upstream: 'docker.io' }));
      const { metadata } = await waitFor(() => see.get('registryconfig', 'older', TEAM), QUICK);
      // Creation times are whole seconds. For two objects of the same second the name decides.
      const isOlder = (): boolean => Date.now() > Date.parse(metadata.creationTimestamp) + 1000;
      await waitFor(isOlder, { ...QUICK, what: 'another second' });
      const claim = await waitFor(
        () => see.get('persistentvolumeclaim', 'cache-volume-registry-docker-io-0'),
        QUICK,
      );
      await api.kubectl.apply(registryConfig('younger', { upstream: 'docker.io' }, { upstream: 'quay.io' }));
      await api.kubectl.apply(
        mirrorConfig('mirrors', { upstream: 'docker.io', hosts: [{ host: 'https://m.example' }] }),
      );
      assert.match(
        await see.reason('younger', 'Conflict', 'UpstreamTaken'),
        /docker\.io belongs to RegistryConfig team\/older/,
      );
      assert.match(
        await see.reason('mirrors', 'Conflict', 'CachedAndMirrored', 'mirrorconfig'),
        /^upstream host 'docker\.io' is also configured as a registry cache upstream by RegistryConfig team\/older, which is older$/,
      );
      await team('delete', 'mirrorconfig', 'mirrors', '--timeout=50s');
      await team('delete', 'registryconfig', 'older', '--timeout=50s');
      await see.reason('younger', 'Conflict', 'NoConflict');
      const next = await waitFor(
        async () => {
          const now = await see.get('persistentvolumeclaim', 'cache-volume-registry-docker-io-0');
          return now?.metadata.annotations?.['larder/asked-by'] === 'RegistryConfig team/younger'
            ? now
            : undefined;
        },
        { ...QUICK, what: 'a claim of the younger object' },
      );
      assert.notEqual(next.metadata.uid, claim.metadata.uid);
    });

    test('keeps the volume of a cache when its claim is annotated by hand, and creates a new one for another upstream with the same key', async () => {
      const [former, corrected] = ['my-registry.example.io', 'my.registry.example.io'];
      const key = 'registry-my-registry-example-io';
      const name = `cache-volume-${key}-0`;
      const claim = () => waitFor(() => see.get('persistentvolumeclaim', name), QUICK);
      await api.kubectl.apply(registryConfig('hub', { upstream: former }));
      const { metadata } = await claim();
      assert.equal(metadata.annotations?.['upstream'], former);
      for (const changed of [
        'larder/asked-by-',
        'larder/asked-by=RegistryConfig team/other',
        'upstream=a.b',
      ]) {
        await system('annotate', '--overwrite', 'persistentvolumeclaim', name, changed);
        const isRight = async () => {
          const now = (await claim()).metadata;
          assert.equal(now.uid, metadata.uid);
          assert.equal(now.deletionTimestamp, undefined);
          const { upstream, 'larder/asked-by': owner } = now.annotations ?? {};
          return upstream === former && owner === 'RegistryConfig team/hub';
        };
        await waitFor(isRight, { ...QUICK, what: `the claim to be right after ${changed}` });
      }
      await api.kubectl.apply(registryConfig('hub', { upstream: corrected }));
      const isOther = async () => (await claim()).metadata.annotations?.['upstream'] === corrected;
      await waitFor(isOther, { ...QUICK, what: 'another claim' });
      assert.notEqual((await claim()).metadata.uid, metadata.uid);
      const set = await see.get('statefulset', key);
      assert.deepEqual(set?.spec?.['selector'], { matchLabels: { app: key, 'upstream-host': corrected } });
    });

    test('removes a cache only after the nodes have stopped using it', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      const { revision } = await waitFor(async () => {
        const now = await see.document();
        return now.caches.length === 1 ? now : undefined;
      }, QUICK);
      await api.kubectl.apply(nodeReport('n1', revision, 'docker.io'));
      await waitFor(
        async () => {
          const { status } = (await see.get('registryconfig', 'hub', TEAM)) ?? {};
          return status?.caches?.[0]?.nodes?.configured === 1;
        },
        { ...QUICK, what: 'the node to be counted' },
      );
      await team('delete', 'registryconfig', 'hub', '--wait=false');
      assert.match(await see.reason('hub', 'Progressing', 'Removing'), /docker\.io/);
      const empty = await waitFor(async () => {
        const now = await see.document();
        return now.caches.length === 0 ? now : undefined;
      }, QUICK);
      assert.ok(await see.get('statefulset', 'registry-docker-io'), 'the cache was removed too early');
      await api.kubectl.apply(nodeReport('n1', empty.revision));
      await waitFor(async () => (await see.get('registryconfig', 'hub', TEAM)) === undefined, QUICK);
      assert.equal(await see.get('statefulset', 'registry-docker-io'), undefined);
    });

    test('removes one cache of two, and leaves the other as it is', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }, { upstream: 'quay.io' }));
      const kept = await waitFor(() => see.get('statefulset', 'registry-quay-io'), QUICK);
      await waitFor(() => see.get('statefulset', 'registry-docker-io'), QUICK);
      await api.kubectl.apply(registryConfig('hub', { upstream: 'quay.io' }));
      await waitFor(async () => !(await see.ours()).some((name) => name.includes('docker-io')), QUICK);
      assert.equal((await see.get('statefulset', 'registry-quay-io'))?.metadata.uid, kept.metadata.uid);
    });

    test('changes nothing for an invalid spec, reports the reason, and keeps the cache', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      const set = await waitFor(() => see.get('statefulset', 'registry-docker-io'), QUICK);
      await waitFor(async () => (await see.document()).caches.length === 1, QUICK);
      await api.kubectl.apply(
        registryConfig('hub', { upstream: 'docker.io', garbageCollection: { ttl: '2562048h' } }),
      );
      assert.match(
        await see.reason('hub', 'Ready', 'ConfigurationInvalid'),
        /^spec\.caches\[0\]\.garbageCollection\.ttl: /,
      );
      assert.equal((await see.get('statefulset', 'registry-docker-io'))?.metadata.uid, set.metadata.uid);
      assert.equal((await see.document()).caches.length, 1);
    });

    test('publishes mirrors to nodes, with the CA bundles of their Secrets', async () => {
      const { caPem } = createTestPki();
      await api.kubectl.apply(
        mirrorConfig('mirrors', {
          upstream: 'quay.io',
          hosts: [
            {
              host: 'https://m.example',
              capabilities: ['pull', 'resolve'],
              caBundleSecretReferenceName: 'ca',
            },
          ],
        }),
      );
      assert.match(
        await see.reason('mirrors', 'Degraded', 'CABundleInvalid', 'mirrorconfig'),
        /failed to get secret team\/ca for caBundleSecretReferenceName ca: secrets "ca" not found/,
      );
      await api.kubectl.apply(secret('ca', { 'bundle.crt': caPem }));
      await waitFor(async () => (await see.document()).mirrors[0]?.hosts[0]?.ca !== undefined, QUICK);
      const { mirrors, bundles } = await see.document();
      const [[name, pem] = []] = Object.entries(bundles);
      assert.equal(pem, caPem);
      assert.deepEqual(mirrors, [
        {
          upstream: 'quay.io',
          server: 'https://quay.io',
          hosts: [
            { host: 'https://m.example', capabilities: ['pull', 'resolve'], overridePath: false, ca: name },
          ],
          askedBy: 'MirrorConfig team/mirrors',
        },
      ]);
      await see.reason('mirrors', 'Degraded', 'Healthy', 'mirrorconfig');
    });

    test('replaces a pod that cannot start as soon as the operator has another image', async () => {
      const restart = async (identity: string, image: string): Promise<void> => {
        await operator[Symbol.asyncDispose]();
        operator = await operate({ kubeconfig: api.kubeconfig, identity, image });
      };
      const podOf = (image: string) =>
        waitFor(
          async () => {
            const { spec } = (await see.get('pod', 'registry-docker-io-0')) ?? {};
            const [container] = (spec?.['containers'] ?? []) as readonly { image: string }[];
            return container?.image === image;
          },
          { ...QUICK, what: `a pod with the image ${image}` },
        );
      await restart('mistyped', 'larder.example/larder:mistyped');
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      // Without a kubelet the pod never becomes ready, like one whose image cannot be pulled.
      await podOf('larder.example/larder:mistyped');
      await restart('corrected', 'larder.example/larder:1');
      await podOf('larder.example/larder:1');
    });

    test('creates another Service of a cache, and then removes the former one, when serviceNameSuffix changes', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
      const { revision, caches } = await waitFor(async () => {
        const now = await see.document();
        return now.caches.length === 1 ? now : undefined;
      }, QUICK);
      await api.kubectl.apply(nodeReport('n1', revision, 'docker.io'));
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io', serviceNameSuffix: 'hub' }));
      const next = await waitFor(async () => {
        const now = await see.document();
        return now.caches[0]?.endpoint === caches[0]?.endpoint ? undefined : now;
      }, QUICK);
      assert.ok(await see.get('service', 'registry-docker-io'), 'the Service was removed too early');
      await api.kubectl.apply(nodeReport('n1', next.revision, 'docker.io'));
      await waitFor(async () => (await see.get('service', 'registry-docker-io')) === undefined, QUICK);
      assert.ok(await see.get('service', 'registry-hub'));
    });

    test('publishes as much to nodes as the API server accepts in one object, and reports the rest', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'];
      const { caPem } = createTestPki();
      for (const name of names) {
        // A newline has two bytes in JSON, so four bundles leave only some kilobytes of the document.
        const bundle = `${caPem}# ${name}`.padEnd(124_000, '\n');
        const hosts = [{ host: 'https://m.example', caBundleSecretReferenceName: name }];
        await api.kubectl.apply(
          secret(name, { 'bundle.crt': bundle }),
          mirrorConfig(name, { upstream: `${name}.io`, hosts }),
        );
      }
      assert.match(
        await see.reason('e', 'Progressing', 'Stuck', 'mirrorconfig'),
        /^e\.io: it is not published to nodes/,
      );
      const published = async (): Promise<string> =>
        (await see.document()).mirrors.map(({ upstream }) => upstream).join();
      await waitFor(async () => (await published()) === 'a.io,b.io,c.io,d.io', {
        ...QUICK,
        what: 'the other mirrors to be published',
      });
      await team('delete', 'mirrorconfig', 'a', '--timeout=50s');
      await waitFor(async () => (await published()) === 'b.io,c.io,d.io,e.io', {
        ...QUICK,
        what: 'the last mirror to be published',
      });
    });

    test('requests a larger volume, and reports that the storage class does not allow it', async () => {
      await api.kubectl.apply({
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'fixed' },
        provisioner: 'example/none',
      });
      const volume = { size: '1Gi', storageClassName: 'fixed' };
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io', volume }));
      const claim = 'cache-volume-registry-docker-io-0';
      await waitFor(() => see.get('persistentvolumeclaim', claim), QUICK);
      await api.kubectl.apply(volumeOf(claim));
      await waitFor(
        async () => {
          const now = await see.get('persistentvolumeclaim', claim);
          return (now as { status?: { phase?: string } } | undefined)?.status?.phase === 'Bound';
        },
        { ...QUICK, what: 'the claim to be bound' },
      );
      await api.kubectl.apply(
        registryConfig('hub', { upstream: 'docker.io', volume: { ...volume, size: '2Gi' } }),
      );
      assert.match(
        await see.reason('hub', 'Degraded', 'VolumeCannotGrow'),
        /the storageclass .* must support resize/,
      );
      await api.kubectl('patch', 'storageclass', 'fixed', '--patch={"allowVolumeExpansion":true}');
      await api.kubectl.apply(
        registryConfig('hub', { upstream: 'docker.io', volume: { ...volume, size: '3Gi' } }),
      );
      assert.match(await see.reason('hub', 'Progressing', 'VolumeGrowing'), /from 1Gi to 3Gi/);
      const { spec } = (await see.get('persistentvolumeclaim', claim)) ?? {};
      assert.deepEqual(spec?.['resources'], { requests: { storage: '3Gi' } });
    });

    test('reports Settled for a change that needs no new pod only when everything follows the spec', async () => {
      const settled = async (name: string, kind?: string): Promise<boolean> => {
        const object = await see.get(kind ?? 'registryconfig', name, TEAM);
        const progressing = object?.status?.conditions?.find(({ type }) => type === 'Progressing');
        const { reason, observedGeneration } = progressing ?? {};
        return reason === 'Settled' && observedGeneration === object?.metadata.generation;
      };
      for (const minutes of [10, 20]) {
        const garbageCollection = { ttl: `${minutes}m0s` };
        const host = { host: `https://m${minutes}.example` };
        await api.kubectl.apply(
          registryConfig('hub', { upstream: 'docker.io', garbageCollection }),
          mirrorConfig('mirrors', { upstream: 'quay.io', hosts: [host] }),
        );
        await waitFor(() => settled('mirrors', 'mirrorconfig'), { ...QUICK, everyMs: 20 });
        assert.deepEqual(
          (await see.document()).mirrors[0]?.hosts.map((one) => one.host),
          [host.host],
        );
        await waitFor(() => settled('hub'), { ...QUICK, everyMs: 20 });
        const { data = {} } = (await see.get('configmap', 'registry-docker-io-config')) ?? {};
        assert.match(Object.values(data).join(''), new RegExp(garbageCollection.ttl));
      }
    });

    test('writes nothing after a restart if everything is as planned', async () => {
      await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io', secretReferenceName: 'login' }));
      await api.kubectl.apply(secret('login', { username: 'alice', password: 'one' }));
      await see.reason('hub', 'Degraded', 'Healthy');
      await see.reason('hub', 'Progressing', 'Settled');
      const versions = async (): Promise<string[]> => {
        const names = await see.ours();
        const held = await api.kubectl.json<{
          items: readonly { metadata: { name: string; resourceVersion: string } }[];
        }>(...(['--namespace', SYSTEM, ...names] as [string, ...string[]]));
        return held.items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
      };
      const before = await versions();
      await operator[Symbol.asyncDispose]();
      operator = await operate({ kubeconfig: api.kubeconfig, identity: 'two' });
      await waitFor(
        async () => {
          const metrics = parseMetrics((await httpGet(`${operator.adminUrl}/metrics`)).text());
          const done = (controller: string): number =>
            metrics.sum('larder_kube_reconciles_total', { controller, result: 'requeued' });
          const waiting = metrics.sum('larder_kube_queue_depth');
          return done('caches') > 0 && done('objects') > 0 && waiting === 0;
        },
        { ...QUICK, what: 'the second operator to have reconciled everything' },
      );
      assert.deepEqual(await versions(), before);
    });
  },
);

/** Volume for a claim, without a node. */
function volumeOf(claim: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'room' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fixed',
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { namespace: SYSTEM, name: claim },
      hostPath: { path: '/nowhere' },
    },
  };
}
