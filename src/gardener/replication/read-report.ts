import { readClusterReport, REPORT_CONFIG_MAP, type ReportRead } from '../../fleet/cluster-report.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';

export type ShootReportRead = ReportRead | { readonly kind: 'missing' };

/** Reads the report of the operator in a shoot. Throws only if the shoot's API server does not answer. */
export async function readReport(
  shoot: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
): Promise<ShootReportRead> {
  const key = { namespace: LARDER_NAMESPACE, name: REPORT_CONFIG_MAP };
  const object = await find(shoot, CONFIG_MAPS, key, signal);
  return object === undefined ? { kind: 'missing' } : readClusterReport(object);
}
