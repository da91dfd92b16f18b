import type { Logger } from '../../kit/logger.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import type { Credential } from './credential.ts';

/**
 * Reports which configured credentials the upstream refuses: one warning for each, and a gauge that is 1 as long as the upstream
 * refuses any of them.
 */
export interface CredentialHealth {
  /** Notes the current credential of a source, which is a Secret or a cloud. A refusal of the source's previous credential is forgotten. */
  provides(source: string, credential: Credential | undefined): void;
  /** Notes a refusal. A credential that no source provides now is ignored. */
  refused(credential: Credential | undefined): void;
  accepted(credential: Credential | undefined): void;
}

export function createCredentialHealth(
  upstream: string,
  { logger, metrics }: { logger: Logger; metrics: UpstreamMetrics },
): CredentialHealth {
  /** The current credential ids, by source. */
  const provided = new Map<string, string | undefined>();
  const refused = new Set<string>();
  const gauge = metrics.credentialRefused.labels({ upstream_host: upstream });
  const updateGauge = (): void => gauge.set(refused.size > 0 ? 1 : 0);
  const isProvided = (credentialId: string): boolean => [...provided.values()].includes(credentialId);
  updateGauge();

  return {
    provides(source, credential) {
      const previous = provided.get(source);
      provided.set(source, credential?.credentialId);
      // Another source may have the same credential.
      if (previous === undefined || isProvided(previous) || !refused.delete(previous)) return;
      updateGauge();
    },
    refused(credential) {
      if (credential === undefined || !isProvided(credential.credentialId)) return;
      if (!refused.has(credential.credentialId))
        logger.warn('the upstream refuses the configured credential', { event: 'credential-refused' });
      refused.add(credential.credentialId);
      updateGauge();
    },
    accepted(credential) {
      if (credential === undefined) return;
      if (refused.delete(credential.credentialId))
        logger.info('the upstream takes the configured credential again', { event: 'credential-accepted' });
      updateGauge();
    },
  };
}
