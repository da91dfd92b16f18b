/** A webhook server behind a real API server, which is a Go client with its own view of certificates. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/kit/clock.ts';
import { formatAddress } from '../../src/kit/listen.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createRsaAuthority, issueRsaCertificate } from '../../src/kube/certificates/rsa-authority.ts';
import type { AdmissionHandler, AdmissionRequest } from '../../src/kube/webhook/admission.ts';
import { startWebhookServer, type WebhookServer } from '../../src/kube/webhook/webhook-server.ts';
import type { KubeClient, KubeObject, Resource } from '../../src/kube/types.ts';
import { waitFor } from '../kit/wait.ts';
import { forever, realTimeClientOf } from '../kube/client.ts';
import { GO_AUTHORITY } from '../kube/go-authority.ts';
import { startRealApi, type RealApi } from '../kube/real-api.ts';
import { widget, WIDGETS, type Widget } from '../kube/widgets.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const CONFIGURATIONS: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  namespaced: false,
};

const DAY = { from: Date.now(), until: Date.now() + 24 * 3600_000 };
const NAMES = { commonName: 'webhook', names: ['127.0.0.1'] };
const WORKERS = 6;

/** Paints widgets, refuses large ones, and fails for those of size 13. */
const paint: AdmissionHandler = async ({ object }) => {
  const { spec, ...rest } = object as Widget;
  if (spec?.size === 13) throw new Error('thirteen');
  if ((spec?.size ?? 0) > 100) return { allowed: false, code: 403, message: 'spec.size: Invalid value: 101' };
  return { allowed: true, changed: { ...rest, spec: { ...spec, colour: 'red' } } };
};

describe('a webhook of a real API server', requireParts(GROUPS.api), () => {
  let api: RealApi;
  let server: WebhookServer;
  let client: ReturnType<typeof realTimeClientOf>;
  const seen = new Map<string, AdmissionRequest[]>();

  before(async () => {
    api = await startRealApi();
    client = realTimeClientOf(api.endpoint, systemClock);
    const noted =
      (path: string): AdmissionHandler =>
      (request, signal) => {
        seen.set(path, [...(seen.get(path) ?? []), request]);
        return paint(request, signal);
      };
    server = await startWebhookServer(
      { clock: systemClock, logger: silentLogger },
      {
        address: { host: '127.0.0.1', port: 0 },
        flag: '--port',
        certificate: await issueRsaCertificate(GO_AUTHORITY, NAMES, DAY),
        handlers: new Map(['/first', '/both', '/next'].map((path) => [path, noted(path)])),
      },
    );
  });
  after(async () => {
    await client.close();
    await server.close();
    await api[Symbol.asyncDispose]();
  });

  /** Registers the path with this authority, and waits until the API server has called it. */
  async function register(path: string, caBundle: string, reviewVersion = 'v1'): Promise<void> {
    await api.server.kubectl.apply(
      configuration(`https://${formatAddress(server.address)}${path}`, caBundle, reviewVersion),
    );
    const probe = { ...forever(), dryRun: true };
    await waitFor(async () => {
      await client.create(WIDGETS, widget('probe'), probe);
      return seen.has(path);
    });
  }

  test('changes, refuses and fails as it decides, in both versions of a review', async () => {
    for (const version of ['v1', 'v1beta1']) {
      if (version === 'v1beta1') await client.delete(CONFIGURATIONS, { name: 'larder-test' }, forever());
      seen.clear();
      await register('/first', GO_AUTHORITY.certificate, version);
      const made = await client.create(WIDGETS, widget(`decided-${version}`, { size: 1 }), forever());
      assert.deepEqual(made.spec, { size: 1, colour: 'red' });
      const resized = await client.mergePatch(
        WIDGETS,
        made.metadata,
        { spec: { size: 2, colour: null } },
        forever(),
      );
      assert.deepEqual(resized.spec, { size: 2, colour: 'red' });
      const { operation, kind, oldObject } = seen.get('/first')?.at(-1) ?? {};
      assert.deepEqual([operation, kind?.kind], ['UPDATE', 'Widget']);
      assert.deepEqual((oldObject as Widget).spec, made.spec);
      const create = (size: number): Promise<unknown> =>
        client.create(WIDGETS, widget('large', { size }), forever());
      await assert.rejects(create(101), {
        httpStatus: 403,
        reason: 'Forbidden',
        message:
          /admission webhook "widgets\.larder\.test" denied the request: spec\.size: Invalid value: 101/,
      });
      await assert.rejects(create(13), {
        httpStatus: 500,
        message: /denied the request: unexpected error: thirteen/,
      });
    }
  });

  test('goes on without a failed request while certificate and authority are exchanged', async () => {
    const next = await createRsaAuthority('ca-next', DAY);
    const pair = await issueRsaCertificate(next, NAMES, DAY);
    await register('/first', GO_AUTHORITY.certificate);
    let isOver = false;
    const load = Array.from({ length: WORKERS }, (_, worker) =>
      writeUntil(client, `load-${worker}`, () => isOver),
    );
    try {
      await register('/both', `${GO_AUTHORITY.certificate}${next.certificate}`);
      server.useCertificate(pair);
      await register('/next', next.certificate);
      const since = seen.get('/next')?.length ?? 0;
      await waitFor(() => (seen.get('/next')?.length ?? 0) > since + 50);
    } finally {
      isOver = true;
    }
    const counts = await Promise.all(load);
    assert.ok(
      counts.every((count) => count > 5),
      counts.join(),
    );
  });
});

/** Writes widgets again and again, each of which the webhook paints. Returns their number. */
async function writeUntil(client: KubeClient, name: string, isOver: () => boolean): Promise<number> {
  let count = 0;
  let { metadata } = await client.create(WIDGETS, widget(name), forever());
  while (!isOver()) {
    count += 1;
    const next = await client.mergePatch(
      WIDGETS,
      metadata,
      { spec: { size: count % 10, colour: null } },
      forever(),
    );
    assert.equal(next.spec?.colour, 'red');
    ({ metadata } = next);
  }
  return count;
}

function configuration(
  url: string,
  caBundle: string,
  version: string,
): KubeObject & { readonly webhooks: unknown } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: CONFIGURATIONS.kind,
    metadata: { name: 'larder-test' },
    webhooks: [
      {
        name: 'widgets.larder.test',
        clientConfig: { url, caBundle: Buffer.from(caBundle).toString('base64') },
        rules: [
          {
            apiGroups: [WIDGETS.group],
            apiVersions: ['*'],
            operations: ['CREATE', 'UPDATE'],
            resources: [WIDGETS.plural],
          },
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        timeoutSeconds: 10,
        admissionReviewVersions: [version],
      },
    ],
  };
}
