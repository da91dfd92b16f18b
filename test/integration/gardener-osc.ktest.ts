/** The webhooks of `larder extension` for configurations of nodes, at a real API server with the rights of the chart. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { createDifferenceReport } from '../gardener/difference-report.ts';
import { startExtension, startExtensionLab, type ExtensionLab } from '../gardener/extension-lab.ts';
import type { LabProgram } from '../gardener/lab-program.ts';
import { sendReview } from '../gardener/lab-review.ts';
import { meaningOf } from '../gardener/meaning.ts';
import { CACHED_SHOOT, createOscShoot, startLabBalancer } from '../gardener/osc-lab.ts';
import { startOscStream } from '../gardener/osc-stream.ts';
import { playOsc, type OscStep } from '../gardener/play-osc.ts';
import { describedBundle } from '../gardener/recorded-snapshot.ts';
import { recordedCases } from '../gardener/recorded-cases.ts';
import { clear, registeredBundle } from '../gardener/start-up-case.ts';
import { waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const NO_CONTROLLERS = 'registry-cache-controller,registry-mirror-controller';
const LEASE = 'extension-registry-cache-leader-election';
const WRITERS = 4;

describe('the webhooks for nodes', requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']), () => {
  let lab: ExtensionLab;

  before(async () => {
    lab = await startExtensionLab();
  });

  after(() => lab[Symbol.asyncDispose]());

  test('answer as recorded, with the rights of the chart', async () => {
    await clear(lab);
    await using program = startExtension(lab, { '--disable-controllers': NO_CONTROLLERS });
    const ca = await waitFor(() => registeredBundle(lab), { limitMs: 10_000, what: 'the registration' });
    const report = createDifferenceReport([]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const different: object[] = [];
    for (const { name, input, steps } of recordedCases('osc')) {
      const namespace = `shoot--p--${name.split('/')[1]}`;
      await createOscShoot(lab.seed, namespace, input);
      const place = {
        namespace,
        ask: (path: string, request: object) => sendReview(lab, 10_250, ca, { path, request, agent }),
        create: (object: object) =>
          lab.seed.requests(
            'POST',
            `/apis/extensions.gardener.cloud/v1alpha1/namespaces/${namespace}/operatingsystemconfigs`,
            object,
          ),
        described: (pem: string) => ({ certificates: describedBundle(pem, new Map()) }),
        masked: (value: unknown) => value,
      };
      const played: object[] = [];
      for (const step of input.steps)
        if (typeof step === 'object' && 'osc' in step)
          played.push({ action: 'osc', ...(await playOsc(place, step['osc'] as OscStep)) });
      const open = report.compare(name, meaningOf({ steps }), meaningOf({ steps: played }));
      if (open.length > 0) different.push({ name, open });
    }
    agent.destroy();
    assert.deepEqual(different, []);
    assert.equal(await program.stop(), 0);
  });

  test('deny no update while replicas are rolled, the leader is killed and another one leads', async (context) => {
    await clear(lab);
    const namespace = 'shoot--p--stream';
    await createOscShoot(lab.seed, namespace, CACHED_SHOOT);
    const start = (port: number): LabProgram =>
      startExtension(lab, {
        '--leader-election': 'true',
        '--webhook-config-cert-dir': `${lab.directory}/certs-${port}`,
        '--webhook-config-server-port': port,
        '--metrics-bind-address': '0',
        '--health-bind-address': `127.0.0.1:${port + 1}`,
      });
    const backends = [10_260, 10_270].map((port) => ({ port, healthPort: port + 1 }));
    const [one, other] = backends as [(typeof backends)[0], (typeof backends)[0]];
    const leader = async () =>
      (
        (await lab.seed.requests('GET', `${lab.leases.path}/${LEASE}`)) as {
          readonly spec?: { readonly holderIdentity?: string };
        }
      ).spec?.holderIdentity;
    const isReady = (program: LabProgram) => waitFor(() => program.isReady(), { limitMs: 20_000 });

    await using balancer = await startLabBalancer(lab, 10_250);
    await balancer.route(backends);
    await using first = start(one.port);
    await isReady(first);
    await waitFor(() => registeredBundle(lab), { limitMs: 10_000 });
    await using second = start(other.port);
    await isReady(second);
    await pause(200);
    const stream = startOscStream(lab.seed.requests, namespace, WRITERS);
    const more = (count: number) => {
      const target = stream.answered + count;
      return waitFor(() => stream.answered > target, { limitMs: 20_000 });
    };
    await more(100);

    // A roll, as a Deployment does it: the next one stops once the one before is back.
    const leaderAtFirst = await leader();
    assert.equal(await first.stop(), 0);
    await using third = start(one.port);
    await isReady(third);
    await more(50);
    assert.notEqual(await leader(), leaderAtFirst);
    assert.equal(await second.stop(), 0);
    await using fourth = start(other.port);
    await isReady(fourth);
    await more(50);
    assert.deepEqual(stream.failures, []);

    // The leader dies without a word: nobody can answer what it was asked. The other one answers while there is no leader, and then leads.
    const leaderBefore = await waitFor(leader);
    await third.kill();
    await balancer.route([other]);
    await more(100);
    assert.equal(await leader(), leaderBefore);
    await waitFor(async () => (await leader()) !== leaderBefore, { limitMs: 25_000, everyMs: 100 });
    await more(50);
    await stream.stop();
    assert.ok(stream.failures.length <= WRITERS, stream.failures.join('\n'));
    for (const failure of stream.failures) assert.match(failure, /failed calling webhook/);
    const sorted = stream.times.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
    context.diagnostic(
      `${stream.answered} updates, ${stream.failures.length} lost with the killed replica; half in ${at(0.5)} ms, 99 % in ${at(0.99)} ms`,
    );
    assert.equal(await fourth.stop(), 0);
  });
});
