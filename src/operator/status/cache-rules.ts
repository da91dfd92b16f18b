import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { Reason } from '../../api/status/reasons.ts';
import type { CacheState } from '../../api/status/registry-config-status.ts';
import { bytesOf } from '../../kit/quantity.ts';
import type { KnownCacheState } from '../caches/cache-states.ts';
import type { VolumeClaim } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';

export interface CacheObservation {
  readonly config: CacheConfig;
  readonly claim: VolumeClaim | undefined;
  /** Undefined before the first reconcile. */
  readonly known: KnownCacheState | undefined;
  /** Undefined while the cache does not answer. */
  readonly stats: CacheStats | undefined;
}

export interface RuleInput extends CacheObservation {
  readonly state: CacheState;
  readonly isRolling: boolean;
  /** Why its pod does not start. */
  readonly podProblem: string | undefined;
}

export interface CacheRule {
  readonly name: string;
  readonly reason: Reason;
  /** One message for each finding. */
  readonly messages: (cache: RuleInput) => readonly string[];
}

/** The findings that one cache can have by itself, apart from what its nodes do. */
export const CACHE_RULES: readonly CacheRule[] = [
  // It has never served, or is being replaced.
  {
    name: 'starting',
    reason: 'Starting',
    messages: ({ state, claim }) => when(state === 'Starting', startingMessage(claim)),
  },
  // It served before, or its pod cannot start without help.
  {
    name: 'not serving',
    reason: 'NotServing',
    messages: ({ state, podProblem }) => when(state === 'Failing', podProblem ?? 'the cache does not serve'),
  },
  // The last reconcile failed, or waits for something.
  { name: 'not as planned', reason: 'Stuck', messages: ({ known }) => given(known?.problem) },
  // The previous spec may still be in force.
  {
    name: 'rolling out',
    reason: 'RollingOut',
    messages: ({ isRolling }) =>
      when(isRolling, 'its objects are being applied, or its pod is being replaced'),
  },
  // Only the API server knows whether quota and StorageClass allow it.
  {
    name: 'volume refused',
    reason: 'VolumeCannotGrow',
    messages: ({ known }) => given(known?.volumeProblem),
  },
  // The claim may grow, and the volume has not been resized yet.
  {
    name: 'volume growing',
    reason: 'VolumeGrowing',
    messages: ({ known, claim, config: { volume } }) => {
      const capacity = claim?.status?.capacity?.storage;
      if (known?.volumeProblem !== undefined || capacity === undefined) return [];
      const isSmaller = bytesOf(capacity) < bytesOf(volume.size);
      return when(isSmaller, `its volume is growing from ${capacity} to ${volume.size}`);
    },
  },
  // The operator cannot read the Secret, or finds no login in it.
  {
    name: 'Secret missing',
    reason: 'CredentialMissing',
    messages: ({ known }) => known?.missingSecrets ?? [],
  },
  // The Gardener extension would refuse such a Secret; the cache uses it.
  {
    name: 'Secret invalid',
    reason: 'CredentialInvalid',
    messages: ({ known }) => known?.invalidSecrets ?? [],
  },
  // The Secret looks fine to the operator. A missing CA bundle would make the cache report the same.
  {
    name: 'login missing',
    reason: 'CredentialMissing',
    messages: ({ config, known, stats }) =>
      when(
        namesCredential(config) &&
          known?.missingSecrets.length === 0 &&
          known.caBundleProblem === undefined &&
          stats?.secretsMissing === true,
        'a Secret that it names holds no login for this upstream',
      ),
  },
  // Nothing but a request to the upstream can find this.
  {
    name: 'credential refused',
    reason: 'CredentialRejected',
    messages: ({ stats }) => when(stats?.credentialRefused === true, 'the upstream refuses its credential'),
  },
  // The cache does not ask anonymously where a cloud login is configured.
  {
    name: 'cloud login missing',
    reason: 'CredentialMissing',
    messages: ({ stats }) =>
      when(
        stats?.cloudLoginMissing === true,
        'no cloud login is available, and its upstream is not asked without one',
      ),
  },
  // Reported while there is still time to act.
  {
    name: 'cloud login expiring',
    reason: 'CredentialExpiring',
    messages: ({ stats }) =>
      when(
        stats?.cloudLoginMissing !== true && stats?.cloudLoginFailing === true,
        'its cloud login cannot be renewed, and is used until it expires',
      ),
  },
  // The cache connects without it, and may not trust the certificate of the upstream.
  {
    name: 'CA bundle invalid',
    reason: 'CABundleInvalid',
    messages: ({ known }) => given(known?.caBundleProblem),
  },
  // Stored content is still served, so the cache itself works.
  {
    name: 'upstream failing',
    reason: 'UpstreamFailing',
    messages: ({ stats }) =>
      when(stats?.failing === true, stats?.lastError?.message ?? 'requests to the upstream fail'),
  },
  // Pulls still work, but each of them reaches the upstream.
  {
    name: 'volume full',
    reason: 'VolumeFull',
    messages: ({ stats }) =>
      when(
        stats?.storeFull === true,
        'its volume is full, and new content is passed on without being stored',
      ),
  },
];

export function namesCredential({ secretReferenceName, provider, credentials }: CacheConfig): boolean {
  return secretReferenceName !== undefined || provider !== undefined || credentials.length > 0;
}

/** A pod that waits for its volume does not say so in its status. The phase of the claim does. */
function startingMessage(claim: VolumeClaim | undefined): string {
  const isPending = claim?.status?.phase === 'Pending';
  return `the cache is starting${isPending ? `: its claim ${claim.metadata.name} has no volume yet` : ''}`;
}

function when(condition: boolean, message: string): readonly string[] {
  return condition ? [message] : [];
}

function given(message: string | undefined): readonly string[] {
  return message === undefined ? [] : [message];
}
