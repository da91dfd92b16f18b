import { writeCertificate } from './certificate-directory.ts';
import { leadWebhooks } from './lead-webhooks.ts';
import { createManagedCertificates, trustedPair } from './managed-certificates.ts';
import { createServedCertificate } from './served-certificate.ts';
import { certificateNames } from './webhook-address.ts';
import { registrationOf, serveWebhooks, startStep } from './webhook-parts.ts';
import type { Webhook } from './webhook.ts';
import type { Webhooks, WebhooksDeps, WebhooksOptions } from './webhooks.ts';

/**
 * Starts webhooks whose certificates are in Secrets of `place.namespace`, which all replicas share. If the API server trusts none of them,
 * new ones are created.
 */
export async function openManagedWebhooks(
  deps: WebhooksDeps,
  options: WebhooksOptions,
  webhooks: readonly Webhook[],
  signal: AbortSignal,
): Promise<Webhooks> {
  const { clock, logger, tasks } = deps;
  const { names, place, certificateDirectory: directory } = options;
  const certificates = createManagedCertificates(
    { client: deps.secrets, clock, logger, certificates: deps.certificates },
    {
      names,
      namespace: place.namespace,
      serverNames: certificateNames(place, names.configuration),
    },
  );
  const registration = registrationOf(deps, options, webhooks);
  const first = await startStep('failed to add webhook server certificate reconciler', async () => {
    const pairs = await certificates.list(signal);
    const bundles = await registration.bundles(signal).catch(() => []);
    return trustedPair(pairs, bundles, clock.now()) ?? (await certificates.create(signal));
  });
  await startStep('failed to add webhook server certificate reloader', () =>
    writeCertificate(directory, first),
  );
  const server = await serveWebhooks(deps, options, webhooks, first);
  const served = createServedCertificate(
    { server, certificates, registration, clock, logger },
    { first, directory },
  );
  tasks.run('webhook certificate', (stop) => served.keep(stop));
  const lead = { client: deps.registrations, clock, logger, certificates, registration };
  return {
    address: server.address,
    isServing: () => served.isValid(),
    lead: (leading) => leadWebhooks(lead, options, leading),
    retire: () => server.retire(),
    close: () => server.close(),
  };
}
