/** An API server of a shoot that answers whatever it likes: the extension goes on, and writes nothing of it to the seed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { cacheServices, SERVICES_QUERY } from '../../src/gardener/caches/cache-services.ts';
import { CLUSTERS } from '../../src/gardener/shoots/cluster.ts';
import { lookAtShoot } from '../../src/gardener/replication/look-at-shoot.ts';
import { readReport } from '../../src/gardener/replication/read-report.ts';
import { reportCondition } from '../../src/gardener/replication/report-condition.ts';
import { assertNoSecondOperator } from '../../src/gardener/replication/second-operator.ts';
import { REPORT_KEY } from '../../src/fleet/cluster-report.ts';
import { untilFollowed } from '../../src/gardener/replication/until-followed.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { isLarderError } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { SECRETS, SERVICES } from '../../src/operator/cluster/resources.ts';
import type { Fault } from '../kube/api-faults.ts';
import { startApi, type ApiServer } from '../kube/api-server.ts';
import { clientOf, type TestClient } from '../kube/client.ts';
import { createMemoryKube } from '../kube/memory-kube.ts';

const NAMESPACE = 'shoot--p--hostile';
const LIMITS = { answerBytes: 64 * 1024, pages: 3, rate: { perSecond: 1e6, burst: 1e6 } };
const RUNS = 60;

let shoot: ApiServer;
before(async () => {
  shoot = await startApi();
});
after(() => shoot[Symbol.asyncDispose]());

/** Names of the fields that are read, and a few that break careless code. */
const key = fc.constantFrom(
  'metadata',
  'name',
  'namespace',
  'labels',
  'annotations',
  'data',
  'spec',
  'items',
  'continue',
  'resourceVersion',
  'renewTime',
  'clusterIP',
  'upstream',
  'revision',
  'caches',
  '__proto__',
  'toString',
  'constructor',
  REPORT_KEY,
);
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1, 1e300, '', '7', 'x'.repeat(5000), '2026-01-01T00:00:00.000000Z'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));
/** Objects that are nearly right. */
const anyObject = fc.record(
  {
    metadata: fc.oneof(fc.constant({ name: 'a', namespace: 'b', resourceVersion: '1' }), anyValue),
    data: fc.oneof(fc.record({ [REPORT_KEY]: fc.oneof(fc.json(), anyValue) }), anyValue),
    spec: anyValue,
  },
  { noNullPrototype: true },
);
const anyList = fc.record({
  metadata: fc.oneof(
    fc.constantFrom({ resourceVersion: '1', continue: 'more' }, { resourceVersion: '1' }),
    anyValue,
  ),
  items: fc.oneof(fc.array(anyObject, { maxLength: 3 }), anyValue),
});
const anyAnswer: fc.Arbitrary<Fault> = fc.oneof(
  fc
    .oneof(anyObject, anyList, anyValue)
    .map((value) => ({ kind: 'text', text: JSON.stringify(value) }) as const),
  fc.string().map((text) => ({ kind: 'text', text }) as const),
  fc.constantFrom<Fault>(
    { kind: 'text', text: '['.repeat(50_000) },
    { kind: 'text', text: `"${'x'.repeat(70_000)}"` },
    { kind: 'hang' },
    { kind: 'reset' },
    { kind: 'status', status: 404 },
    { kind: 'status', status: 410, reason: 'Expired' },
    { kind: 'status', status: 429, retryAfter: 5 },
    { kind: 'status', status: 500, message: 'm'.repeat(100_000) },
    { kind: 'status', status: 301 },
  ),
);

/** Runs `work` at a shoot that gives these answers, one after another and then again; the clock goes on whenever nothing else does. */
async function atShoot<T>(
  answers: readonly Fault[],
  work: (client: TestClient, clock: ManualClock) => Promise<T>,
): Promise<T> {
  const clock = new ManualClock();
  await using client = clientOf(shoot, { clock, limits: LIMITS });
  shoot.faults.clear();
  for (let round = 0; round < 40; round += 1) shoot.faults.add(...answers.map((fault) => ({ fault })));
  const begun = clock.monotonic();
  const over = new AbortController();
  const result = work(client, clock).finally(() => over.abort());
  result.catch(() => {});
  while (!over.signal.aborted) {
    await pause(1);
    clock.advance(500);
    assert.ok(clock.monotonic() - begun < 400_000, 'hangs');
  }
  return result;
}

const signal = new AbortController().signal;
const answers = fc.array(anyAnswer, { minLength: 1, maxLength: 3 });

describe('whatever the API server of a shoot answers', () => {
  test('the condition has one of few texts, and nothing of the answer', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        const finding = await atShoot(given, async (client, clock) => {
          const seed = createMemoryKube(clock).client();
          await putSeed(seed);
          const deps = {
            client: seed,
            clock,
            logger: silentLogger,
            connect: () => ({ ...client, close: async () => {} }),
          };
          return lookAtShoot(
            deps,
            { namespace: NAMESPACE, shootAddress: 'internal', wasHibernated: false },
            signal,
          );
        });
        const { status, reason, message } = reportCondition(finding);
        assert.match(`${status} ${reason}`, /^(True|False|Unknown) [A-Za-z]{4,30}$/);
        assert.match(message, /^[A-Za-z0-9 ,;:.]{10,250}$/);
      }),
      { numRuns: RUNS },
    );
  });

  test('a reconcile waits for a minute at most, and goes on', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        await atShoot(given, (client, clock) =>
          untilFollowed(
            { shoot: client, clock, logger: silentLogger },
            { revision: 7, limitMs: 60_000 },
            signal,
          ),
        );
      }),
      { numRuns: 8 },
    );
  });

  test('a read gives eight whole numbers, or none', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        const read = await atShoot(given, (client) => readReport(client, signal)).catch(refused);
        if (read?.kind !== 'read') return;
        assert.equal(Object.keys(read.report).length, 8);
        for (const number of Object.values(read.report))
          assert.ok(Number.isSafeInteger(number) && number >= 0);
      }),
      { numRuns: RUNS },
    );
  });

  test('the look for other operators ends, in a few pages, with none or an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        const seen = shoot.requests.length;
        await atShoot(given, (client) => assertNoSecondOperator(client, signal)).catch(refused);
        assert.ok(shoot.requests.length - seen <= 30);
      }),
      { numRuns: RUNS },
    );
  });

  test('an address of a cache is an IP address', async () => {
    const cache = { upstream: 'docker.io', http: { tls: true } } as Parameters<
      typeof cacheServices
    >[1][number];
    const named = (clusterIP: unknown): Fault => {
      const metadata = { name: 'registry-docker-io', annotations: { upstream: 'docker.io' } };
      const list = { metadata: { resourceVersion: '1' }, items: [{ metadata, spec: { clusterIP } }] };
      return { kind: 'text', text: JSON.stringify(list) };
    };
    const read = (given: readonly Fault[]) =>
      atShoot(given, async (client) => {
        const { items } = await client.list(SERVICES, SERVICES_QUERY, { signal });
        return cacheServices(items, [cache]);
      });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          answers,
          anyValue.map((value) => [named(value)]),
        ),
        async (given) => {
          assert.equal(await read(given).catch(refused), undefined);
        },
      ),
      { numRuns: RUNS },
    );
    const [found] = await read([named('100.64.0.1')]);
    assert.equal(found?.clusterIP, '100.64.0.1');
  });
});

/** Accepts an error of Larder's own, and no other. */
function refused(error: unknown): undefined {
  if (!isLarderError(error)) throw error;
  return undefined;
}

async function putSeed(seed: ReturnType<ReturnType<typeof createMemoryKube>['client']>): Promise<void> {
  const type = { apiVersion: 'extensions.gardener.cloud/v1alpha1', kind: 'Cluster' };
  await seed.create(CLUSTERS, { ...type, metadata: { name: NAMESPACE }, spec: { shoot: {} } }, { signal });
  const kubeconfig = JSON.stringify({
    'current-context': 's',
    contexts: [{ name: 's', context: { cluster: 's', user: 's' } }],
    clusters: [{ name: 's', cluster: { server: shoot.url } }],
    users: [{ name: 's', user: { token: 'token' } }],
  });
  await seed.create(
    SECRETS,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'gardener-internal', namespace: NAMESPACE },
      data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') },
    },
    { signal },
  );
}
