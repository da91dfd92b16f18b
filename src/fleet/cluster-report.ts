import { z } from 'zod';
import { parseJson } from '../kit/json.ts';
import type { ConfigMap } from '../kube/objects/config-maps.ts';

/** The ConfigMap in which an operator reports to the outside of its cluster, and the key in it. */
export const REPORT_CONFIG_MAP = 'larder-report';
export const REPORT_KEY = 'report.json';

/** Longest text of a report that is read, in characters. One that an operator writes has less than 300. */
export const REPORT_LENGTH = 4096;

const COUNT = z.int().min(0);

const REPORT = z.object({
  /** `RegistryConfig` and `MirrorConfig` objects. */
  objects: COUNT,
  /** Caches that the objects ask for, and get. */
  caches: COUNT,
  serving: COUNT,
  failing: COUNT,
  /** Objects of which another owner has an upstream. */
  conflicting: COUNT,
  nodes: COUNT,
  /** Nodes that have carried out the current document. */
  following: COUNT,
  /** Revision of the list of taken upstreams that all nodes follow; 0 while they follow none. */
  revision: COUNT,
});

/** Numbers of a cluster, and nothing else: no name of an upstream, an object or a Secret leaves it. */
export type ClusterReport = z.output<typeof REPORT>;

/** Returns `data` of the ConfigMap. */
export function reportData(report: ClusterReport): Readonly<Record<string, string>> {
  return { [REPORT_KEY]: JSON.stringify(report) };
}

export type ReportRead =
  | { readonly kind: 'read'; readonly report: ClusterReport }
  | { readonly kind: 'too large'; readonly length: number }
  /** `problem` has nothing that the cluster wrote: it names fields of this schema, and never a value. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** Reads the report from a ConfigMap that anybody may have written. Never throws. */
export function readClusterReport(configMap: Pick<ConfigMap, 'data'>): ReportRead {
  const data: unknown = configMap.data;
  const text: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, REPORT_KEY) : undefined;
  if (typeof text !== 'string') return { kind: 'invalid', problem: `it has no key ${REPORT_KEY}` };
  if (text.length > REPORT_LENGTH) return { kind: 'too large', length: text.length };
  const value = parseJson(text);
  if (value === undefined) return { kind: 'invalid', problem: `its ${REPORT_KEY} is not JSON` };
  const { data: report, error } = REPORT.safeParse(value);
  if (report !== undefined) return { kind: 'read', report };
  const field = FIELDS.find((name) => name === error.issues[0]?.path[0]);
  const what =
    field === undefined ? 'is not a JSON object' : `has no whole number from 0 in the field ${field}`;
  return { kind: 'invalid', problem: `its ${REPORT_KEY} ${what}` };
}

const FIELDS = Object.keys(REPORT.shape);
