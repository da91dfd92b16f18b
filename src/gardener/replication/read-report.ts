import {
  readClusterReport,
  REPORT_CONFIG_MAP,
  REPORT_KEY,
  REPORT_LENGTH,
  type ClusterReport,
} from '../../fleet/cluster-report.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';

export type ReportRead =
  | { readonly kind: 'read'; readonly report: ClusterReport }
  | { readonly kind: 'missing' | 'too large' | 'invalid' };

/** Reads the report of the operator in a shoot. Throws only if the shoot's API server does not answer. */
export async function readReport(shoot: Pick<KubeClient, 'get'>, signal: AbortSignal): Promise<ReportRead> {
  const key = { namespace: LARDER_NAMESPACE, name: REPORT_CONFIG_MAP };
  const object = await find(shoot, CONFIG_MAPS, key, signal);
  if (object === undefined) return { kind: 'missing' };
  const report = readClusterReport(object);
  if (report !== undefined) return { kind: 'read', report };
  const text: unknown = (object.data as Readonly<Record<string, unknown>> | null | undefined)?.[REPORT_KEY];
  return { kind: typeof text === 'string' && text.length > REPORT_LENGTH ? 'too large' : 'invalid' };
}
