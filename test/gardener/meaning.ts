import { parse } from 'yaml';

/** Fields of a recording that an implementation need not reproduce. A manifest may have fields of these names. */
const IGNORED = [
  'rewrittenWithSameContent',
  'unchanged',
  'generation',
  'patchType',
  'reason',
  'uid',
  'order',
];

/**
 * Reduces a recording to what a replacement of the Go extension has to reproduce, as `compare.py --semantic` beside the recordings does: without
 * empty fields and the status of manifests, the configuration of Distribution as loaded, without the hashes of contents, caches in the order of
 * their upstreams, and without texts of Go's libraries.
 */
export function meaningOf(value: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((one) => meaningOf(one, [...path, '[]']));
  if (typeof value === 'string') return meaningOfText(value);
  if (!isMap(value)) return value;
  const isManifest = 'apiVersion' in value && 'kind' in value;
  const fields = Object.entries(value)
    .filter(([key]) => path.includes('spec') || !IGNORED.includes(key))
    .filter(([key]) => !(isManifest && key === 'status'))
    .map(([key, inner]) => [key, meaningOf(prepared(key, inner, value), [...path, key])] as const)
    .filter(([, inner]) => path.at(-1) === 'data' || !isEmpty(inner))
    .map(([key, inner]) => [meaningOfKey(key, inner), inner]);
  return Object.fromEntries(fields) as object;
}

/** Does what depends on the name of a field. */
function prepared(key: string, value: unknown, parent: Record<string, unknown>): unknown {
  if (key === 'config.yml' && typeof value === 'string') return loaded(value);
  if (key === 'caches' && Array.isArray(value) && parent['kind'] === 'RegistryStatus') {
    return (value as { upstream: string }[]).toSorted((a, b) => (a.upstream < b.upstream ? -1 : 1));
  }
  return value;
}

/** Loads YAML 1.1, which Go's and Python's libraries read. */
function loaded(text: string): unknown {
  try {
    return parse(text, { version: '1.1', logLevel: 'error' });
  } catch {
    return 'unparsable';
  }
}

const CONFIG_NAME = /-config-[0-9a-f]{8}/g;
const CONFIG_REFERENCE = /^(reference\.resources\.gardener\.cloud\/secret-)[0-9a-f]{8}$/;

function meaningOfKey(key: string, value: unknown): string {
  const reference = CONFIG_REFERENCE.exec(key)?.[1];
  return (reference === undefined ? key : `${reference}<sha8>(${String(value)})`).replaceAll(
    CONFIG_NAME,
    '-config-<hash>',
  );
}

function meaningOfText(text: string): string {
  return text
    .replaceAll(/BLOB\([0-9a-f]+\)/g, 'BLOB')
    .replaceAll(CONFIG_NAME, '-config-<hash>')
    .replaceAll(/(registered for version "[^"]*").*/g, '$1 ...')
    .replaceAll(/((?:failed to decode|could not decode|failed to parse url)[^:]*: )[^]*/g, '$1...');
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
