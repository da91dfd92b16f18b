import type { Logger } from '../../kit/logger.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import type { Credential } from './credential.ts';

/**
 * Whether the upstream takes the configured credentials: for the log, once for each that it refuses, and for a gauge, which is 1 as long as it
 * refuses any of them.
 */
export interface CredentialHealth {
  /** Tells what a source, a Secret or a cloud, gives now. What it gave before is forgotten: that it was refused is no trouble any more. */
  gives(source: string, credential: Credential | undefined): void;
  /** Counts for what a source gives now, and for nothing else. */
  refused(credential: Credential | undefined): void;
  accepted(credential: Credential | undefined): void;
}

export function createCredentialHealth(
  upstream: string,
  { logger, metrics }: { logger: Logger; metrics: UpstreamMetrics },
): CredentialHealth {
  const given = new Map<string, string | undefined>();
  const refused = new Set<string>();
  const gauge = metrics.credentialRefused.labels({ upstream_host: upstream });
  const show = (): void => gauge.set(refused.size > 0 ? 1 : 0);
  const isGiven = (id: string): boolean => [...given.values()].includes(id);
  show();

  return {
    gives(source, credential) {
      const before = given.get(source);
      given.set(source, credential?.credentialId);
      // Another source may have the same login.
      if (before === undefined || isGiven(before) || !refused.delete(before)) return;
      show();
    },
    refused(credential) {
      if (credential === undefined || !isGiven(credential.credentialId)) return;
      if (!refused.has(credential.credentialId))
        logger.warn('the upstream refuses the configured credential', { event: 'credential-refused' });
      refused.add(credential.credentialId);
      show();
    },
    accepted(credential) {
      if (credential === undefined) return;
      if (refused.delete(credential.credentialId))
        logger.info('the upstream takes the configured credential again', { event: 'credential-accepted' });
      show();
    },
  };
}
