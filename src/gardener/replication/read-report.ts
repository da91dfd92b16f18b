import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { parseReport, REPORT_KEY, REPORT_NAME, type ClusterReport } from './shoot-documents.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';

/** Longest report in bytes. It has eight numbers. */
const LONGEST = 4096;

export type ReportRead =
  | { readonly kind: 'read'; readonly report: ClusterReport }
  | { readonly kind: 'missing' | 'too large' | 'invalid' };

/** Reads the report of the operator in a shoot. Throws only if the shoot's API server does not answer. */
export async function readReport(shoot: Pick<KubeClient, 'get'>, signal: AbortSignal): Promise<ReportRead> {
  const key = { namespace: LARDER_NAMESPACE, name: REPORT_NAME };
  const object = await find(shoot, CONFIG_MAPS, key, signal);
  if (object === undefined) return { kind: 'missing' };
  const text: unknown = (object.data as Readonly<Record<string, unknown>> | undefined)?.[REPORT_KEY];
  if (typeof text !== 'string') return { kind: 'invalid' };
  if (Buffer.byteLength(text) > LONGEST) return { kind: 'too large' };
  const report = parseReport(text);
  return report === undefined ? { kind: 'invalid' } : { kind: 'read', report };
}
