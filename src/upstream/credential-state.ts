import { LRUCache } from 'lru-cache';
import type { Logger } from '../kit/logger.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { Credential } from './credential.ts';

/** Whether the upstream takes the configured credentials: for the log, once for each that it refuses, and for a gauge. */
export interface CredentialState {
  refused(credential: Credential | undefined): void;
  accepted(credential: Credential | undefined): void;
}

/** Rotation makes new ones, one at a time. */
const REMEMBERED = 100;

export function createCredentialState(
  upstream: string,
  { logger, metrics }: { logger: Logger; metrics: Metrics },
): CredentialState {
  const refused = new LRUCache<string, true>({ max: REMEMBERED });
  const gauge = metrics.credentialRefused.labels({ upstream_host: upstream });
  gauge.set(0);

  return {
    refused(credential) {
      if (credential === undefined) return;
      gauge.set(1);
      if (refused.has(credential.id)) return;
      refused.set(credential.id, true);
      logger.warn('the upstream refuses the configured credential', { event: 'credential-refused' });
    },
    accepted(credential) {
      if (credential === undefined) return;
      gauge.set(0);
      if (refused.delete(credential.id))
        logger.info('the upstream takes the configured credential again', { event: 'credential-accepted' });
    },
  };
}
