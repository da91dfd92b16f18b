/** What is said of an object as a whole, in the order in which it is listed. */
export const CONDITION_TYPES = ['Ready', 'Progressing', 'Degraded', 'Conflict'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];
export type ConditionStatus = 'True' | 'False' | 'Unknown';

/**
 * The reasons that conditions have, and no others: each belongs to one state of one condition. `docs/reference/conditions.md`
 * lists the same rows and a test keeps the two in step. Where several fit, the first in this table is the one that is told, and
 * the message names the rest.
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
