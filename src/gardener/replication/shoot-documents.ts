import { hash } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';

/** Name of the ConfigMap in a shoot with the upstreams that the Shoot itself has. */
export const TAKEN_NAME = 'larder-taken';
/** Name of the ConfigMap in a shoot with the numbers of its operator. */
export const REPORT_NAME = 'larder-report';
export const REPORT_KEY = 'report.json';
const TAKEN_KEY = 'taken.json';

const count = z.int().nonnegative();

const REPORT = z.strictObject({
  objects: count,
  caches: count,
  serving: count,
  failing: count,
  conflicting: count,
  nodes: count,
  following: count,
  revision: count,
});

export type ClusterReport = z.output<typeof REPORT>;

/** Reads a report. Undefined for any other text. */
export function parseReport(text: string): ClusterReport | undefined {
  return REPORT.safeParse(parseJson(text)).data;
}

/** Number of a list of upstreams, which has to be sorted. Equal for equal lists. */
export function takenRevision(taken: readonly string[]): number {
  return Number.parseInt(hash('sha256', JSON.stringify(taken)).slice(0, 12), 16);
}

export function takenObject(taken: readonly string[]): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: CONFIG_MAPS.kind,
    metadata: { name: TAKEN_NAME, namespace: LARDER_NAMESPACE },
    data: { [TAKEN_KEY]: JSON.stringify({ revision: takenRevision(taken), upstreams: taken }) },
  };
}
