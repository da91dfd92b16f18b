/** Secrets and registration of webhooks at a real API server, which adds its own defaults and judges certificates as Go does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { extensionWebhooks } from '../../src/gardener/extension-webhooks.ts';
import { declareAdmissionMetrics } from '../../src/gardener/metrics.ts';
import { AUTHORITY_CHECKSUMS } from '../../src/gardener/secrets-manager/checksums.ts';
import { createSecretsManager } from '../../src/gardener/secrets-manager/secrets-manager.ts';
import { openWebhooks } from '../../src/gardener/webhook/open-webhooks.ts';
import {
  MUTATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '../../src/gardener/webhook/webhook-configuration.ts';
import { webhookNames } from '../../src/gardener/webhook/webhook-names.ts';
import type { Webhook } from '../../src/gardener/webhook/webhook.ts';
import type { Webhooks, WebhooksOptions } from '../../src/gardener/webhook/webhooks.ts';
import { ManualClock, systemClock, type Clock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import type { KubeClient } from '../../src/kube/types.ts';
import { SECRETS } from '../../src/operator/cluster/resources.ts';
import { createApiRequests } from '../cluster/api-requests.ts';
import { countCertificates } from '../gardener/described-secrets.ts';
import { FAST_CERTIFICATES } from '../gardener/fast-certificates.ts';
import { anyResource } from '../gardener/lab-cluster.ts';
import { CACHED_SHOOT, createOscShoot } from '../gardener/osc-lab.ts';
import { startOscStream } from '../gardener/osc-stream.ts';
import { startBalancer } from '../gardener/webhook-balancer.ts';
import { tempDir, type TempDir } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import { forever, realTimeClientOf } from '../kube/client.ts';
import { startRealApi, type RealApi } from '../kube/real-api.ts';
import { createScaledClock } from '../kube/scaled-clock.ts';
import { widget, WIDGETS } from '../kube/widgets.ts';
import { freePort, freePorts } from '../parts/free-port.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const NAMES = webhookNames('registry-cache', undefined);
/** Secrets whose time of creation is that of the program's clock, not the server's. */
function byIssueTime(client: KubeClient): KubeClient {
  return {
    ...client,
    async list(resource, query, call) {
      const { items, ...rest } = await client.list(resource, query, call);
      const shown = items.map((item) => {
        const seconds = Number(item.metadata.labels?.['issued-at-time']);
        return {
          ...item,
          metadata: { ...item.metadata, creationTimestamp: new Date(seconds * 1000).toISOString() },
        };
      });
      return { ...rest, items: shown };
    },
  };
}

async function servedSerial(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

const DAY = 24 * 3600_000;

describe('webhooks at a real API server', requireParts(GROUPS.api), () => {
  let api: RealApi;
  let client: ReturnType<typeof realTimeClientOf>;
  let directory: TempDir;
  const calls: string[] = [];

  before(async () => {
    api = await startRealApi();
    client = realTimeClientOf(api.endpoint, systemClock);
    directory = tempDir();
  });
  after(async () => {
    await client.close();
    directory[Symbol.dispose]();
    await api[Symbol.asyncDispose]();
  });

  const webhook = (action: Webhook['action']): Webhook => ({
    name: action,
    action,
    path: `/webhooks/${action}`,
    rule: { apiGroups: [WIDGETS.group], apiVersions: ['*'], resources: [WIDGETS.plural] },
    handler: ({ name }) => {
      calls.push(`${action} ${name}`);
      return Promise.resolve({ allowed: true });
    },
  });

  /** Opens webhooks, runs `work` and closes them. */
  async function running<T>(
    options: Partial<WebhooksOptions>,
    work: (webhooks: Webhooks) => Promise<T>,
    kube: KubeClient = client,
  ): Promise<T> {
    const tasks = new TaskGroup(silentLogger);
    const deps = { registrations: kube, secrets: kube, clock: systemClock, logger: silentLogger, tasks };
    const port = await freePort();
    const all: WebhooksOptions = {
      names: NAMES,
      address: { host: '127.0.0.1', port },
      place: { mode: 'url', url: `127.0.0.1:${port}`, namespace: 'test', servicePort: 0 },
      ownerNamespace: 'test',
      certificateDirectory: directory.path,
      ...options,
    };
    const webhooks = await openWebhooks(
      deps,
      all,
      [webhook('mutating'), webhook('validating')],
      tasks.signal,
    );
    try {
      return await work(webhooks);
    } finally {
      await tasks.close();
      await webhooks.close();
    }
  }
  const secrets = async () => (await client.list(SECRETS, { namespace: 'test' }, forever())).items;
  const configurations = () =>
    Promise.all(
      [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS].map((resource) =>
        client.get(resource, { name: NAMES.configuration }, forever()),
      ),
    );

  test('two replicas that start at once share their Secrets, and the API server trusts the one that leads', async () => {
    await running({}, (a) =>
      running({}, async () => {
        assert.equal((await secrets()).length, 3);
        const stop = new AbortController();
        const leading = a.lead(stop.signal);
        await waitFor(async () => {
          await client.create(WIDGETS, widget('probe'), { ...forever(), dryRun: true });
          return calls.length > 1;
        });
        assert.deepEqual([...new Set(calls)], ['mutating probe', 'validating probe']);
        stop.abort(new Error('stop'));
        await leading;
      }),
    );
  });

  test('the server finds nothing to add: another start and another leader write nothing', async () => {
    const port = await freePort();
    const options = {
      address: { host: '127.0.0.1', port },
      place: { mode: 'url', url: `127.0.0.1:${port}`, namespace: 'test', servicePort: 0 },
    };
    const versions = async () =>
      [...(await secrets()), ...(await configurations())].map(({ metadata }) => metadata.resourceVersion);
    let before: unknown;
    for (const round of [1, 2]) {
      let rounds = 0;
      // A round of the leader ends with a second reading of the registration.
      const counted: KubeClient = {
        ...client,
        get(resource, key, call) {
          if (resource.plural === VALIDATING_WEBHOOK_CONFIGURATIONS.plural) rounds += 1;
          return client.get(resource, key, call);
        },
      };
      await running(
        options,
        async (webhooks) => {
          const stop = new AbortController();
          const leading = webhooks.lead(stop.signal);
          await waitFor(() => rounds >= 3);
          stop.abort(new Error('stop'));
          await leading;
        },
        counted,
      );
      if (round === 2) assert.deepEqual(await versions(), before);
      before = await versions();
    }
  });

  test('an authority is rotated with overlap, and what is unused is deleted', async () => {
    const clock = new ManualClock(Date.now());
    const manage = async () => {
      const manager = await createSecretsManager(
        { client, clock, logger: silentLogger, certificates: FAST_CERTIFICATES },
        { namespace: 'test', identity: 'rotating', rotatesAuthorities: true },
        forever().signal,
      );
      const authority = await manager.authority({
        name: 'ca-rotating',
        checksum: AUTHORITY_CHECKSUMS['ca-registry-cache-webhook'],
        lifetime: { days: 30 },
        old: { forMs: DAY },
      });
      const server = { name: 'server', commonName: 'c', names: ['a.b'], lifetime: { years: 10 } };
      await manager.server(server, authority.current);
      await manager.cleanup();
      const rotating = (await secrets()).filter(
        ({ metadata }) => metadata.labels?.['manager-identity'] === 'rotating',
      );
      return rotating.length;
    };
    const counts: number[] = [];
    for (const days of [0, 0, 21, 0.5, 1]) {
      clock.advance(days * DAY);
      counts.push(await manage());
    }
    assert.deepEqual(counts, [3, 3, 4, 4, 3]);
  });

  test('no update of a configuration of nodes fails while authority and certificates change, and another replica leads', async () => {
    await using cleanup = new AsyncDisposableStack();
    const group = 'extensions.gardener.cloud';
    await api.server.kubectl.apply(
      anyResource(group, 'v1alpha1', 'Extension', { status: true }),
      anyResource(group, 'v1alpha1', 'Cluster', { scope: 'Cluster' }),
      anyResource(group, 'v1alpha1', 'OperatingSystemConfig'),
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'rotated' } },
    );
    const requests = cleanup.use(createApiRequests(api.server.access));
    const path = `/apis/${group}/v1alpha1/operatingsystemconfigs`;
    await waitFor(async () => 'items' in (await requests('GET', path)), { what: 'the resources' });
    await createOscShoot({ requests }, 'shoot--p--rotated', CACHED_SHOOT);
    const names = webhookNames('registry-cache', 'runtime-extension-x');
    const [balanced, ...ports] = await freePorts(3);
    const metrics = declareAdmissionMetrics(createMetricsRegistry());
    const tasks = new TaskGroup(silentLogger);

    const open = async (port: number, clock: Clock): Promise<Webhooks> => {
      const deps = {
        registrations: client,
        secrets: byIssueTime(client),
        clock,
        logger: silentLogger,
        tasks,
      };
      const options = {
        names,
        address: { host: '127.0.0.1', port },
        place: { mode: 'url', url: `127.0.0.1:${balanced}`, namespace: 'rotated', servicePort: 0 },
        ownerNamespace: 'rotated',
        certificateDirectory: directory.path,
      };
      const hooks = extensionWebhooks({ reads: client, clock, metrics }, ['registry-cache']);
      return openWebhooks(deps, options, hooks, tasks.signal);
    };
    const registered = async () => {
      const key = { name: names.configuration };
      const found = await client.get(MUTATING_WEBHOOK_CONFIGURATIONS, key, forever()).catch(() => undefined);
      const bundle = found?.webhooks?.[0]?.clientConfig.caBundle ?? '';
      return countCertificates(Buffer.from(bundle, 'base64').toString());
    };
    const leading = (webhooks: Webhooks) => {
      const stop = new AbortController();
      const led = webhooks.lead(stop.signal);
      return { end: () => (stop.abort(new Error('stop')), led) };
    };

    // Authority and certificate are of 25 days ago. Then time passes 30 times as fast, from three quarters of an hour ago on.
    const past = await open(ports[0] as number, new ManualClock(Date.now() - 25 * DAY));
    const pastLeader = leading(past);
    await waitFor(async () => (await registered()) === 1);
    await pastLeader.end();
    await past.close();
    const clock = createScaledClock({ factor: 30, skewMs: -45 * 60_000 });
    const replicas = await Promise.all(ports.map((port) => open(port, clock)));
    for (const webhooks of replicas) {
      // Each update has a connection of its own, for which the API server looks at the certificate.
      webhooks.retire();
      cleanup.defer(() => webhooks.close());
    }
    cleanup.defer(() => tasks.close());
    cleanup.use(
      await startBalancer(
        balanced as number,
        ports.map((port) => ({ port })),
      ),
    );
    const served = () => Promise.all(ports.map(servedSerial));
    const before = await served();
    assert.equal(before[0], before[1]);

    const stream = startOscStream(requests, 'shoot--p--rotated', 2);
    const [one, other] = replicas.map((webhooks) => () => leading(webhooks));
    const first = one?.();
    await waitFor(async () => (await registered()) === 2, { limitMs: 20_000, what: 'the new authority' });
    await first?.end();
    const second = other?.();
    await waitFor(async () => (await served()).every((serial) => serial !== before[0]), {
      limitMs: 60_000,
      everyMs: 200,
      what: 'the new certificates',
    });
    const answered = stream.answered;
    await waitFor(() => stream.answered > answered + 20);
    await stream.stop();
    await second?.end();
    assert.deepEqual(stream.failures, []);
  });

  test('what cannot be registered ends the leadership after 5 s, in the words of the Go program', async () => {
    const place = { url: '127.0.0.1:443', namespace: 'test', servicePort: 0 };
    const names = webhookNames('registry-cache-admission', undefined);
    const failure = (options: Partial<WebhooksOptions>) =>
      running(options, (webhooks) => webhooks.lead(forever().signal)).catch((error: Error) => error.message);
    const [mode, owner] = await Promise.all([
      failure({ names, place: { ...place, mode: 'foo' } }),
      failure({ ownerNamespace: 'nope' }),
    ]);
    const words =
      'retry failed with context deadline exceeded, last error: error reconciling seed webhook config: ';
    assert.equal(
      mode,
      `${words}error reconciling seed webhook config: MutatingWebhookConfiguration.admissionregistration.k8s.io ` +
        '"gardener-extension-registry-cache-admission" is invalid: webhooks[0].clientConfig: Required value: ' +
        'exactly one of url or service is required',
    );
    assert.equal(owner, `${words}Namespace "nope" not found`);
  });

  test('a namespace for the certificates that does not exist is an error of the start', async () => {
    const place = { mode: 'url', url: '127.0.0.1:443', namespace: 'nope', servicePort: 0 };
    await assert.rejects(
      running({ place }, () => Promise.resolve()),
      {
        message:
          'failed to add webhook server certificate reconciler: failed generating and creating new secret ' +
          'nope/ca-registry-cache-webhook-a1d160fd for config ca-registry-cache-webhook: failed creating new ' +
          'secret: namespaces "nope" not found',
      },
    );
  });
});
