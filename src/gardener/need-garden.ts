import { isLarderError, LarderError } from '../kit/errors.ts';
import { find } from '../kube/objects/find.ts';
import type { KubeClient } from '../kube/types.ts';
import { serverText } from './server-text.ts';
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from './webhook/webhook-configuration.ts';

/**
 * Asks the garden for the webhook configuration `name`, which need not exist. Throws if the API server does not answer or grants no rights:
 * a program that starts like that would deny all Shoots.
 */
export async function needGarden(
  client: Pick<KubeClient, 'get'>,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await find(client, VALIDATING_WEBHOOK_CONFIGURATIONS, { name }, signal);
  } catch (cause) {
    signal.throwIfAborted();
    const code = isLarderError(cause) ? cause.code : 'INTERNAL';
    throw new LarderError(code, `could not create webhooks: ${serverText(cause)}`, { cause });
  }
}
