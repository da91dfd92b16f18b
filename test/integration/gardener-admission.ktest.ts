/** Compares `larder admission` at real API servers, with the rights of its charts, with recordings of the Go admission v0.24.0. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { ApiStatus } from '../cluster/api-requests.ts';
import { startAdmissionLab, type AdmissionLab } from '../gardener/admission-lab.ts';
import { decisionAbout, meaningOf, recordedDecision, type Decision } from '../gardener/admission-case.ts';
import { createDifferenceReport } from '../gardener/difference-report.ts';
import { startAdmission } from '../gardener/lab-program.ts';
import { baseShoot, recordedAdmissions } from '../gardener/recorded-admission.ts';
import { startReviews } from '../gardener/review-stream.ts';
import { semantic } from '../gardener/semantic.ts';
import { clear, registeredBundle, runStartUpCase, type StartUpCase } from '../gardener/start-up-case.ts';
import { waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const LEASE = 'gardener-extension-registry-cache-admission';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/garden/leases';
const NO_CACHES = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  caches: [],
};
const REVIEW = {
  path: '/webhooks/registry-cache',
  request: {
    uid: '1',
    kind: { group: 'core.gardener.cloud', version: 'v1beta1', kind: 'Shoot' },
    operation: 'CREATE',
    object: baseShoot(),
  },
};

interface LeaseObject {
  readonly spec?: { readonly holderIdentity?: string };
}

const STARTS = new URL('../gardener/cases/startup/', import.meta.url);

describe('larder admission', requireParts([...GROUPS.api, 'helm', 'ip', 'busybox']), () => {
  let lab: AdmissionLab;

  before(async () => {
    lab = await startAdmissionLab();
  });

  after(() => lab[Symbol.asyncDispose]());

  describe('starts, registers, writes and ends as recorded', () => {
    for (const name of readdirSync(STARTS).filter((one) => one.startsWith('admission-'))) {
      test(name, async () => {
        const read = (file: string): unknown =>
          parse(readFileSync(new URL(`${name}/${file}`, STARTS), 'utf8'));
        const outcome = await runStartUpCase(lab, startAdmission, read('input.yaml') as StartUpCase);
        assert.deepEqual(semantic(outcome), semantic(read('expected.yaml')));
      });
    }
  });

  test('judges all recorded Shoots as the Go admission does, but for what is listed', async (context) => {
    await clear(lab);
    await using program = startAdmission(lab);
    const ca = await waitFor(() => registeredBundle(lab), { what: 'the registration' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const report = createDifferenceReport([]);
    const different: object[] = [];
    for (const recorded of recordedAdmissions()) {
      const decision = await decisionAbout(lab, recorded, { port: 10_260, ca, agent });
      const shown = (one: Decision): object => ({ [recorded.validator]: meaningOf(one, recorded) });
      const name = `admission/${recorded.name}`;
      const open = report.compare(name, shown(recordedDecision(recorded)), shown(decision));
      different.push(...open.map((difference) => ({ name, ...difference })));
    }
    agent.destroy();
    context.diagnostic(report.summary());
    assert.deepEqual(different, []);
    assert.equal(await program.stop(), 0);
  });

  test('refuses a Shoot through a real API server, and leaves Shoots without the label alone', async () => {
    await clear(lab);
    await using program = startAdmission(lab);
    await waitFor(() => registeredBundle(lab), { what: 'the registration' });
    const create = (name: string, labels: object): Promise<object> =>
      lab.garden.requests('POST', '/apis/core.gardener.cloud/v1beta1/namespaces/garden-p/shoots', {
        ...baseShoot(),
        metadata: { name, namespace: 'garden-p', labels },
        spec: { ...baseShoot().spec, extensions: [{ type: 'registry-cache', providerConfig: NO_CACHES }] },
      });
    const refused = await create('one', { 'extensions.extensions.gardener.cloud/registry-cache': 'true' });
    assert.equal(
      (refused as ApiStatus).message,
      'admission webhook "registry-cache-validator.registry-cache-admission.extensions.gardener.cloud" denied the request: ' +
        'spec.extensions[0].providerConfig.caches: Required value: at least one cache must be provided',
    );
    assert.equal(((await create('two', {})) as { kind: string }).kind, 'Shoot');
    assert.equal(await program.stop(), 0);
  });

  test('answers all the time while the leader is killed, restarted and stopped, and the next one registers', async () => {
    await clear(lab);
    const start = (port: number) =>
      startAdmission(lab, {
        '--leader-election': 'true',
        '--leader-election-id': LEASE,
        '--webhook-config-cert-dir': `${lab.directory}/certs-${port}`,
        '--webhook-config-server-port': port,
        '--metrics-bind-address': '0',
        '--health-bind-address': `127.0.0.1:${port + 1}`,
      });
    const [one, other] = [10_260, 10_270];
    const isRegistered = () => registeredBundle(lab);
    const leader = async () =>
      ((await lab.runtime.requests('GET', `${LEASES}/${LEASE}`)) as LeaseObject).spec?.holderIdentity;
    const forget = () => lab.garden.requests('DELETE', `${lab.configurations.path}/${LEASE}`);

    await using first = start(one);
    await waitFor(isRegistered, { what: 'the first registration' });
    await using second = start(other);
    await waitFor(() => second.isReady());
    const stream = startReviews(lab, REVIEW, [one, other]);
    const leaderAtFirst = await leader();
    await waitFor(() => stream.answered > 20);

    // The first leader dies without a word. Its lease has to expire.
    stream.ask([other]);
    await first.kill();
    await forget();
    await waitFor(isRegistered, { limitMs: 25_000, everyMs: 100, what: 'a registration by the second' });
    assert.notEqual(await leader(), leaderAtFirst);

    // It comes back, and the second one stops in order. Its lease is released at once.
    await using third = start(one);
    await waitFor(() => third.isReady());
    stream.ask([one, other]);
    const answered = stream.answered;
    await waitFor(() => stream.answered > answered + 10);
    await forget();
    // API servers learn within the next seconds that they should ask the other one.
    const stopped = second.stop();
    await waitFor(isRegistered, { limitMs: 8_000, everyMs: 100, what: 'a registration by the third' });
    stream.ask([one]);
    assert.equal(await stopped, 0);
    await stream.stop();
    assert.deepEqual(stream.failures, []);
  });
});
