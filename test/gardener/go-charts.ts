/** Renders a chart of the Go extension and Larder's in its place with the same values, and compares the objects. */
import { parse, parseAllDocuments } from 'yaml';
import { WITHOUT_CLUSTER, type Helm } from '../cluster/helm.ts';
import { tempDir } from '../kit/temp.ts';
import type { CHARTS } from './charts.ts';

/** Paths of the charts below `charts/` of the Go extension's repository. */
export const GO_CHARTS: Readonly<Record<keyof typeof CHARTS, string>> = {
  controller: 'gardener-extension-registry-cache',
  runtime: 'admission/charts/runtime',
  application: 'admission/charts/application',
};

/** Objects of a chart as a flat map of paths to values, such as `Deployment/NAME.spec.replicas` to 2. */
export type FlatObjects = ReadonlyMap<string, unknown>;

/** Renders a chart for the namespace `own`. */
export async function renderFlat(helm: Helm, chart: string, values: object): Promise<FlatObjects> {
  using own = tempDir();
  const file = own.write('values.json', JSON.stringify(values));
  const release = 'extension-registry-cache';
  const args = ['template', release, chart, '--namespace=own', `--values=${file}`, ...WITHOUT_CLUSTER];
  return flatObjects(await helm(...args));
}

/** Reads objects from YAML. Lists become maps by name, flag or right, so that their order does not matter. */
export function flatObjects(text: string): FlatObjects {
  const flat = new Map<string, unknown>();
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as { kind: string; metadata: { name: string } } | null;
    if (object !== null) flatten(`${object.kind}/${object.metadata.name}`, object, flat);
  }
  return flat;
}

/** Lists what differs, as `PATH: VALUE instead of VALUE of the other`, sorted. */
export function differencesOf(ours: FlatObjects, theirs: FlatObjects): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((path) => JSON.stringify(ours.get(path)) !== JSON.stringify(theirs.get(path)))
    .map(
      (path) => `${path}: ${JSON.stringify(ours.get(path))} instead of ${JSON.stringify(theirs.get(path))}`,
    )
    .sort();
}

/** Paths of all values in a `values.yaml`, such as `metrics.port`. Empty maps count as values. */
export function valuePaths(value: unknown, path = ''): string[] {
  const entries = isMap(value) ? Object.entries(value) : [];
  if (entries.length === 0) return [path];
  return entries.flatMap(([key, inner]) => valuePaths(inner, path === '' ? key : `${path}.${key}`));
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

function flatten(path: string, value: unknown, flat: Map<string, unknown>): void {
  if (Array.isArray(value))
    for (const [key, item] of entriesOf(path, value)) flatten(`${path}[${key}]`, item, flat);
  else if (isMap(value))
    for (const [key, inner] of Object.entries(value))
      flatten(`${path}.${key}`, key.endsWith('.yaml') ? parse(String(inner)) : inner, flat);
  else if (value !== null) flat.set(path, value);
}

function entriesOf(path: string, list: readonly unknown[]): [string, unknown][] {
  if (path.endsWith('.rules')) return (list as Rule[]).flatMap(rightsOf);
  if (path.endsWith('.args')) return (list as string[]).map((arg) => [arg.split('=', 1)[0] ?? '', arg]);
  return list.map((item, index) => {
    const named = isMap(item) ? (item['name'] ?? item['containerName'] ?? item['port']) : undefined;
    return [typeof named === 'string' || typeof named === 'number' ? String(named) : String(index), item];
  });
}

/** Rights of a rule, one entry each: `verb group/resource#name`. */
function rightsOf({ apiGroups, resources, resourceNames = [''], verbs }: Rule): [string, true][] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      resourceNames.flatMap((name) =>
        verbs.map((verb): [string, true] => [`${verb} ${group}/${resource}#${name}`, true]),
      ),
    ),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
