import { X509Certificate } from 'node:crypto';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { validityOf, type KeyPair } from '../../kube/certificates/key-pair.ts';
import type { WebhookServer } from '../../kube/webhook/webhook-server.ts';
import { writeCertificate } from './certificate-directory.ts';
import { trustedPair, type ManagedCertificates } from './managed-certificates.ts';
import type { Registration } from './registration.ts';

/** As in the Go library (gardener v1.147.1, `extensions/pkg/webhook/certificates`). */
export const SYNC_MS = 5 * 60_000;

/** Pause after a failure, and while the API server trusts none of the certificates. */
const RETRY_MS = 30_000;

/**
 * Time without a reading of Secrets and registration after which a replica does not count as serving: half of the time for which the
 * authority of its certificate is trusted after a rotation.
 */
const UNCONFIRMED_MS = 12 * 3600_000;

export interface ServedCertificateDeps {
  readonly server: Pick<WebhookServer, 'useCertificate'>;
  readonly certificates: Pick<ManagedCertificates, 'list'>;
  readonly registration: Pick<Registration, 'bundles'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The certificate that this replica serves. */
export interface ServedCertificate {
  /** False after the end of the certificate, and when the Secrets or the registration could not be read for 12 hours. */
  isValid(): boolean;
  /** Looks for a newer certificate every 5 minutes, until `signal` aborts. Failures are logged. */
  keep(signal: AbortSignal): Promise<void>;
}

/** Keeps the certificate of a running server, which serves `first` already. */
export function createServedCertificate(
  { server, certificates, registration, clock, logger }: ServedCertificateDeps,
  { first, directory }: { readonly first: KeyPair; readonly directory: string },
): ServedCertificate {
  let current = first;
  let confirmedAt = clock.monotonic();

  /**
   * Uses the newest certificate that the API server trusts, since other programs may create one before they register its authority. Returns
   * false if it trusts none, and then uses the newest.
   */
  async function refresh(signal: AbortSignal): Promise<boolean> {
    const pairs = await certificates.list(signal);
    const bundles = await registration.bundles(signal);
    confirmedAt = clock.monotonic();
    const trusted = trustedPair([...pairs, current], bundles, clock.now());
    exchange(trusted ?? pairs[0] ?? current);
    await writeCertificate(directory, current);
    return trusted !== undefined;
  }

  function exchange(next: KeyPair): void {
    if (next.certificate === current.certificate) return;
    server.useCertificate(next);
    current = next;
    const { serialNumber, validTo } = new X509Certificate(next.certificate);
    logger.info('serving another certificate', { serialNumber, validTo });
  }

  return {
    isValid() {
      const isConfirmed = clock.monotonic() - confirmedAt < UNCONFIRMED_MS;
      return isConfirmed && clock.now() < (validityOf(current.certificate)?.until ?? 0);
    },

    async keep(signal) {
      let pauseMs = RETRY_MS;
      while (!signal.aborted) {
        await sleep(clock, pauseMs, signal).catch(() => {});
        if (signal.aborted) return;
        try {
          pauseMs = (await refresh(signal)) ? SYNC_MS : RETRY_MS;
        } catch (error) {
          if (signal.aborted) return;
          logger.error('cannot refresh the certificate of the webhooks', { error: errorText(error) });
          pauseMs = RETRY_MS;
        }
      }
    },
  };
}
