import type { TakenUpstreams } from '../../fleet/taken-upstreams.ts';
import { shootComponent, type Component } from '../managed-resources/component.ts';
import { takenObject } from './taken-object.ts';
import { operatorObjects, standbyObjects, type ShootObjectsSettings } from './shoot-objects.ts';
import { OPERATOR_COMPONENT, SHOOT_COMPONENT } from './shoot-place.ts';

export interface ComponentsSettings extends ShootObjectsSettings {
  /** Namespace of the shoot in the seed. */
  readonly namespace: string;
  /** Upstreams that the Shoot itself has caches or mirrors for. */
  readonly taken: TakenUpstreams;
}

export interface ReplicationComponents {
  readonly shoot: Component;
  readonly operator: Component;
}

/** Renders both ManagedResources. Equal settings give equal bytes and names, whoever asks. */
export function replicationComponents(settings: ComponentsSettings): ReplicationComponents {
  const { namespace, taken } = settings;
  const named = (name: string) => ({ namespace, name, secretBase: `managedresource-${name}` });
  return {
    shoot: shootComponent(named(SHOOT_COMPONENT), standbyObjects(settings)),
    operator: shootComponent(named(OPERATOR_COMPONENT), [...operatorObjects(settings), takenObject(taken)]),
  };
}
