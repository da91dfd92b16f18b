/** The conditions of an object, in the order in which they are listed. */
export const CONDITION_TYPES = ['Ready', 'Progressing', 'Degraded', 'Conflict'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];
export type ConditionStatus = 'True' | 'False' | 'Unknown';

/**
 * All reasons of conditions. Each belongs to one status of one condition. Where several apply, the condition has the one that
 * comes first in this table, and its message names the others. A test keeps `docs/reference/conditions.md` in step.
 */
export const REASONS = {
  Serving: { type: 'Ready', status: 'True' },
  ConfigurationInvalid: { type: 'Ready', status: 'False' },
  NothingOwned: { type: 'Ready', status: 'False' },
  NotServing: { type: 'Ready', status: 'False' },
  Starting: { type: 'Ready', status: 'Unknown' },

  Stuck: { type: 'Progressing', status: 'False' },
  RollingOut: { type: 'Progressing', status: 'True' },
  VolumeGrowing: { type: 'Progressing', status: 'True' },
  ConfiguringNodes: { type: 'Progressing', status: 'True' },
  Removing: { type: 'Progressing', status: 'True' },
  Settled: { type: 'Progressing', status: 'False' },

  CredentialMissing: { type: 'Degraded', status: 'True' },
  CredentialInvalid: { type: 'Degraded', status: 'True' },
  CredentialRejected: { type: 'Degraded', status: 'True' },
  CredentialExpiring: { type: 'Degraded', status: 'True' },
  CABundleInvalid: { type: 'Degraded', status: 'True' },
  UpstreamFailing: { type: 'Degraded', status: 'True' },
  VolumeFull: { type: 'Degraded', status: 'True' },
  VolumeCannotGrow: { type: 'Degraded', status: 'True' },
  NodesNotConfigured: { type: 'Degraded', status: 'True' },
  ForeignNodeConfiguration: { type: 'Degraded', status: 'True' },
  Healthy: { type: 'Degraded', status: 'False' },

  UpstreamTaken: { type: 'Conflict', status: 'True' },
  CachedAndMirrored: { type: 'Conflict', status: 'True' },
  NoConflict: { type: 'Conflict', status: 'False' },
} as const satisfies Record<string, { type: ConditionType; status: ConditionStatus }>;

export type Reason = keyof typeof REASONS;
