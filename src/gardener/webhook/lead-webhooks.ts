import { endsWithin, sleep, type Clock } from '../../kit/clock.ts';
import { errorText, isLarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { OwnerReference } from '../../kube/types.ts';
import type { TrustedBundle } from './ca-bundle.ts';
import type { ManagedCertificates } from './managed-certificates.ts';
import { registerWebhooks, type RegisterDeps } from './register.ts';
import { SYNC_MS } from './served-certificate.ts';

/** First pause after a failure. It doubles up to the time between two rounds. */
const RETRY_MS = 1000;

/** Time for which the first registration waits for the certificates, so that it has a CA bundle from the start. */
const FIRST_BUNDLE_MS = 1500;

export interface LeadWebhooksDeps extends RegisterDeps {
  readonly certificates: Pick<ManagedCertificates, 'renew'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Does what only one replica may do, until `signal` aborts: registers the webhooks with their owner, and renews the certificates and their
 * CA bundle every 5 minutes. Throws if the webhooks cannot be registered within 5 s, like {@link registerWebhooks}. Failures of later
 * rounds are logged and tried again.
 */
export async function leadWebhooks(
  deps: LeadWebhooksDeps,
  { ownerNamespace }: { readonly ownerNamespace: string },
  signal: AbortSignal,
): Promise<void> {
  const { certificates, registration, clock, logger } = deps;
  const bundled = Promise.withResolvers<TrustedBundle | undefined>();
  const attempted = Promise.withResolvers<void>();
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let owner: OwnerReference | undefined;

  /** The first round lets the registration with the owner go first, and completes it if the owner is missing. */
  async function register(bundle: TrustedBundle): Promise<number> {
    bundled.resolve(bundle);
    await attempted.promise;
    return registration.reconcile({ owner, bundle }, either);
  }

  async function renewAgainAndAgain(): Promise<void> {
    let retryMs = RETRY_MS;
    while (!either.aborted) {
      let pauseMs = SYNC_MS;
      try {
        await certificates.renew(register, either);
        retryMs = RETRY_MS;
      } catch (error) {
        bundled.resolve(undefined);
        if (either.aborted) return;
        logger.error('cannot renew the certificates or the registration of the webhooks', {
          error: errorText(error),
          hint: isLarderError(error) ? error.hint : undefined,
        });
        pauseMs = retryMs;
        retryMs = Math.min(retryMs * 2, SYNC_MS);
      }
      await sleep(clock, pauseMs, either).catch(() => {});
    }
  }

  const renewing = renewAgainAndAgain();
  try {
    const known = bundled.promise;
    const bundle = (await endsWithin(clock, known, FIRST_BUNDLE_MS)) ? await known : undefined;
    const onAttempt = attempted.resolve;
    owner = await registerWebhooks(deps, { ownerNamespace, bundle, onAttempt }, either);
    await renewing;
  } finally {
    stop.abort();
    attempted.resolve();
    await renewing;
  }
}
