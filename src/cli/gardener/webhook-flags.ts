import { webhookNames, type WebhookProgram } from '../../gardener/webhook/webhook-names.ts';
import type { WebhooksOptions } from '../../gardener/webhook/webhooks.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { flagError, intFlag, listFlag, stringFlag, type GoValues } from '../go-flags/go-flag.ts';
import type { CommandIo } from '../command.ts';
import type { ManagerSettings } from './manager-flags.ts';

/** Flags of the registration of webhooks, as in Gardener's extension library (v1.147.1, `SwitchOptions` and `ServerOptions`). */
export const WEBHOOK_FLAGS = {
  disableWebhooks: listFlag('disable-webhooks', {
    standard: [],
    usage: 'Webhooks to leave out, separated by commas. * leaves out all.',
  }),
  mode: stringFlag('webhook-config-mode', {
    standard: '',
    usage: 'Address by which API servers reach the webhooks: service (default), url or url-service.',
  }),
  url: stringFlag('webhook-config-url', {
    standard: '',
    usage: 'Host, and port if it is not 443, for the mode url.',
  }),
  servicePort: intFlag('webhook-config-service-port', {
    standard: 0,
    usage: 'Port of the service. Default: the port of the webhook server.',
  }),
  namespace: stringFlag('webhook-config-namespace', {
    standard: '',
    usage: 'Namespace of the certificates and the service. Without it, certificates are kept in files only.',
    variable: 'WEBHOOK_CONFIG_NAMESPACE',
  }),
  ownerNamespace: stringFlag('webhook-config-owner-namespace', {
    standard: '',
    usage:
      'Namespace that owns the registration, which is deleted with it. Default: that of the certificates.',
  }),
};

/** Gives the webhooks that are left, in the order of `names`. Throws `USAGE` with Go's text for a name that is not among them. */
export function enabledWebhooks<Name extends string>(
  { disableWebhooks }: Pick<GoValues<typeof WEBHOOK_FLAGS>, 'disableWebhooks'>,
  names: readonly Name[],
): readonly Name[] {
  for (const name of disableWebhooks) {
    if (name === '*') return [];
    if (!names.some((known) => known === name))
      throw flagError(`cannot disable unknown webhook ${goQuote(name)}`);
  }
  return names.filter((name) => !disableWebhooks.includes(name));
}

/** Puts together what flags and environment say about the webhooks of a program. */
export function webhooksOptions(
  { mode, url, namespace, servicePort, ownerNamespace }: GoValues<typeof WEBHOOK_FLAGS>,
  { server, certDir }: Pick<ManagerSettings, 'server' | 'certDir'>,
  program: WebhookProgram,
  { environment }: Pick<CommandIo, 'environment'>,
): WebhooksOptions {
  return {
    names: webhookNames(program, environment['WEBHOOK_CONFIG_NAMESPACE']),
    address: server,
    place: { mode: mode || 'service', url, namespace, servicePort },
    ownerNamespace: ownerNamespace || namespace,
    certificateDirectory: certDir,
  };
}
