import { TAKEN_CONFIG_MAP, takenData, type TakenUpstreams } from '../../fleet/taken-upstreams.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';

/** Renders the ConfigMap by which the operator in a shoot knows the upstreams that the Shoot itself has. */
export function takenObject(taken: TakenUpstreams): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: CONFIG_MAPS.kind,
    metadata: { name: TAKEN_CONFIG_MAP, namespace: LARDER_NAMESPACE },
    data: takenData(taken),
  };
}
