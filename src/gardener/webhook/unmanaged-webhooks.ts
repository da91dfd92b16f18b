import { untilAborted } from '../../kit/abort.ts';
import { validityOf, type KeyPair } from '../../kube/certificates/key-pair.ts';
import { createRsaAuthority, issueRsaCertificate } from '../../kube/certificates/rsa-authority.ts';
import { validityFrom } from '../secrets-manager/secret-plan.ts';
import { writeCertificate } from './certificate-directory.ts';
import { registerWebhooks } from './register.ts';
import { certificateNames } from './webhook-address.ts';
import { registrationOf, serveWebhooks, startStep } from './webhook-parts.ts';
import type { Webhook } from './webhook.ts';
import type { Webhooks, WebhooksDeps, WebhooksOptions } from './webhooks.ts';

/**
 * Starts webhooks for a program outside of a cluster. The authority and the certificate are for this process alone, are valid for ten years
 * and are not renewed.
 */
export async function openUnmanagedWebhooks(
  deps: WebhooksDeps,
  options: WebhooksOptions,
  webhooks: readonly Webhook[],
): Promise<Webhooks> {
  const { clock, logger, registrations: client } = deps;
  const { ownerNamespace, certificateDirectory } = options;
  logger.warn('the certificate of the webhooks is not renewed: in a cluster, set --webhook-config-namespace');
  const { authority, pair } = await startStep(
    'error generating new certificates for webhook server',
    async () => {
      const made = await makeCertificates(options, clock.now());
      await writeCertificate(certificateDirectory, made.pair);
      return made;
    },
  );
  const until = validityOf(pair.certificate)?.until ?? 0;
  const server = await serveWebhooks(deps, options, webhooks, pair);
  const registration = registrationOf(deps, options, webhooks);
  const bundle = { certificates: authority.certificate, othersUntil: 0 };
  return {
    address: server.address,
    isServing: () => clock.now() < until,
    async lead(leading) {
      await registerWebhooks({ client, clock, registration }, { ownerNamespace, bundle }, leading);
      await untilAborted(new Promise(() => {}), leading).catch(() => {});
    },
    retire: () => server.retire(),
    close: () => server.close(),
  };
}

async function makeCertificates(
  { names: { component, configuration }, place }: WebhooksOptions,
  now: number,
): Promise<{ readonly authority: KeyPair; readonly pair: KeyPair }> {
  const authority = await createRsaAuthority(component, validityFrom(now, { days: 3650 }));
  const names = { commonName: component, names: certificateNames(place, configuration) };
  return { authority, pair: await issueRsaCertificate(authority, names, validityFrom(now, { years: 10 })) };
}
