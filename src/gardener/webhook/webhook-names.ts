import { AUTHORITY_CHECKSUMS } from '../secrets-manager/checksums.ts';

/** Programs with webhooks, by the name of their component. */
export type WebhookProgram = 'registry-cache' | 'registry-cache-admission';

/** Begins the namespaces in which gardener-operator runs extensions in the runtime cluster. */
const RUNTIME_NAMESPACE = 'runtime-extension-';

/** Names of everything that belongs to the webhooks of one program. */
export interface WebhookNames {
  readonly component: string;
  /** Name of the webhook configuration, and of the Service in front of the program. */
  readonly configuration: string;
  /** Identity of the secrets manager. */
  readonly identity: string;
  readonly authority: string;
  readonly authorityChecksum: string;
  readonly server: string;
}

/**
 * Names of a program's webhooks as the Go library makes them (gardener v1.147.1, `extensions/pkg/webhook`). `environmentNamespace` is the
 * variable WEBHOOK_CONFIG_NAMESPACE, not the flag: it alone says whether gardener-operator runs the program.
 */
export function webhookNames(
  program: WebhookProgram,
  environmentNamespace: string | undefined,
): WebhookNames {
  const isRuntime = environmentNamespace?.startsWith(RUNTIME_NAMESPACE) === true;
  const component = isRuntime ? (`${program}-runtime` as const) : program;
  const configuration = `gardener-extension-${component}`;
  const authority = `ca-${component}-webhook` as const;
  return {
    component,
    configuration,
    identity: `${configuration}-webhook`,
    authority,
    authorityChecksum: AUTHORITY_CHECKSUMS[authority],
    server: `${component}-webhook-server`,
  };
}
