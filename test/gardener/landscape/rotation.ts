import type { WantedShoot } from './shoot-flow.ts';

/**
 * Phases of a rotation of certificate authorities (gardener v1.147.1, `core/v1beta1` `CARotation`). Gardenlet reconciles in those that end
 * with `ing`, in which new authorities are added or old ones dropped. The last one before `Completing` lasts until the owner goes on.
 */
export const ROTATION = {
  withWorkers: ['Preparing', 'Prepared', 'Completing', 'Completed'],
  withoutWorkers: [
    'PreparingWithoutWorkersRollout',
    'WaitingForWorkersRollout',
    'Prepared',
    'Completing',
    'Completed',
  ],
} as const;

export type RotationPhase = (typeof ROTATION)[keyof typeof ROTATION][number];

/** Returns the shoot as its Cluster shows it in a phase. `startedAt` is an RFC 3339 time. */
export function inRotation(wanted: WantedShoot, phase: RotationPhase, startedAt: string): WantedShoot {
  const { status = {}, ...shoot } = wanted.shoot as { readonly status?: object };
  const certificateAuthorities = { phase, lastInitiationTime: startedAt };
  const credentials = { rotation: { certificateAuthorities } };
  return { ...wanted, shoot: { ...shoot, status: { ...status, credentials } } };
}
