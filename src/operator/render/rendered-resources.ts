import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import {
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SECRETS,
  SERVICE_MONITORS,
  SERVICES,
  STATEFUL_SETS,
} from '../cluster/resources.ts';

/** Resources of all objects that are rendered for a cache, in the order in which an uninstall deletes them. */
export const RENDERED_RESOURCES: readonly Resource[] = [
  STATEFUL_SETS,
  SERVICE_MONITORS,
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SERVICES,
  CONFIG_MAPS,
  SECRETS,
];

/** The resource of an object that is rendered for a cache. Throws `RangeError` for an object of any other kind. */
export function resourceOf({ kind }: KubeObject): Resource {
  const found = RENDERED_RESOURCES.find((resource) => resource.kind === kind);
  if (found === undefined) throw new RangeError(`a cache has no object of kind ${kind}`);
  return found;
}
