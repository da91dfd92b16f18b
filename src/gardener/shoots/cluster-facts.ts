import { z } from 'zod';
import { LarderError } from '../../kit/errors.ts';
import { FORCE_DELETION, type Cluster } from './cluster.ts';
import { goBoolean, goStruct, goText, goTextMap, isGoTrue, unmarshalText } from './go-fields.ts';
import { SHOOT_RESOURCES, type ShootResource } from './shoot-resources.ts';

/** The fields of a shoot that the extension acts by: a few bytes, so that the Cluster need not stay in memory. */
export interface ClusterFacts {
  readonly isHibernated: boolean;
  /** True if the shoot is being deleted. */
  readonly isDeleted: boolean;
  readonly isForceDeleted: boolean;
  readonly purpose: string;
  readonly hasAutoscaler: boolean;
  readonly kubernetesVersion: string;
  /** State of the last operation on the Shoot, such as `Failed`; empty if there was none. */
  readonly lastOperationState: string;
  /** Phase of the rotation of the shoot's authorities, such as `Preparing`; empty if there never was one. */
  readonly rotationPhase: string;
  /** Start of the last rotation in milliseconds since the epoch. */
  readonly rotationStart: number | undefined;
  readonly resources: readonly ShootResource[];
}

/** Purpose of a Shoot that names none (gardener v1.147.1, `GetPurpose`). */
const DEFAULT_PURPOSE = 'evaluation';

/**
 * Reads the facts from a Cluster. Other fields are not looked at, whatever they have. Throws `CONFIG_INVALID` if there is no Shoot, or in the words
 * of Go if one of the fields has a value of another type.
 */
export function clusterFacts({ metadata, spec }: Cluster): ClusterFacts {
  const shoot = spec?.shoot ?? undefined;
  if (shoot === undefined) throw new LarderError('CONFIG_INVALID', `Cluster ${metadata.name} has no Shoot`);
  const result = SHOOT.safeParse(shoot);
  if (result.success) return factsOf(result.data);
  throw new LarderError('CONFIG_INVALID', unmarshalText(shoot, result.error));
}

function factsOf({ metadata, spec, status }: z.output<typeof SHOOT>): ClusterFacts {
  const { phase, lastInitiationTime } = status.credentials.rotation.certificateAuthorities;
  return {
    isHibernated: spec.hibernation.enabled,
    isDeleted: metadata.deletionTimestamp !== '',
    isForceDeleted: isGoTrue(metadata.annotations[FORCE_DELETION]),
    purpose: spec.purpose ?? DEFAULT_PURPOSE,
    hasAutoscaler: spec.kubernetes.verticalPodAutoscaler.enabled,
    kubernetesVersion: spec.kubernetes.version,
    lastOperationState: status.lastOperation.state,
    rotationPhase: phase,
    rotationStart: lastInitiationTime === '' ? undefined : Date.parse(lastInitiationTime),
    resources: spec.resources,
  };
}

const time = (place: string) =>
  goText(place).refine((value) => value === '' || !Number.isNaN(Date.parse(value)), place);

const ROTATION = goStruct(
  'ShootCredentials.status.credentials.rotation of type v1beta1.ShootCredentialsRotation',
  {
    certificateAuthorities: goStruct(
      'ShootCredentialsRotation.status.credentials.rotation.certificateAuthorities of type v1beta1.CARotation',
      {
        phase: goText(
          'CARotation.status.credentials.rotation.certificateAuthorities.phase of type v1beta1.CredentialsRotationPhase',
        ),
        lastInitiationTime: time(
          'CARotation.status.credentials.rotation.certificateAuthorities.lastInitiationTime of type v1.Time',
        ),
      },
    ),
  },
);

const SHOOT = z.object(
  {
    metadata: goStruct('Shoot.metadata of type v1.ObjectMeta', {
      deletionTimestamp: time('ObjectMeta.metadata.deletionTimestamp of type v1.Time'),
      annotations: goTextMap(
        'ObjectMeta.metadata.annotations of type map[string]string',
        'ObjectMeta.metadata.annotations of type string',
      ),
    }),
    spec: goStruct('Shoot.spec of type v1beta1.ShootSpec', {
      hibernation: goStruct('ShootSpec.spec.hibernation of type v1beta1.Hibernation', {
        enabled: goBoolean('Hibernation.spec.hibernation.enabled of type bool'),
      }),
      purpose: z.string('ShootSpec.spec.purpose of type v1beta1.ShootPurpose').nullish(),
      kubernetes: goStruct('ShootSpec.spec.kubernetes of type v1beta1.Kubernetes', {
        version: goText('Kubernetes.spec.kubernetes.version of type string'),
        verticalPodAutoscaler: goStruct(
          'Kubernetes.spec.kubernetes.verticalPodAutoscaler of type v1beta1.VerticalPodAutoscaler',
          {
            enabled: goBoolean(
              'VerticalPodAutoscaler.spec.kubernetes.verticalPodAutoscaler.enabled of type bool',
            ),
          },
        ),
      }),
      resources: SHOOT_RESOURCES,
    }),
    status: goStruct('Shoot.status of type v1beta1.ShootStatus', {
      lastOperation: goStruct('ShootStatus.status.lastOperation of type v1beta1.LastOperation', {
        state: goText('LastOperation.status.lastOperation.state of type v1beta1.LastOperationState'),
      }),
      credentials: goStruct('ShootStatus.status.credentials of type v1beta1.ShootCredentials', {
        rotation: ROTATION,
      }),
    }),
  },
  'Shoot of type v1beta1.Shoot',
);
