import { isDeepStrictEqual } from 'node:util';
import { isAlreadyExists } from '../../kube/kube-error.ts';
import { find } from '../../kube/objects/find.ts';
import type { JsonPatchOperation, KubeClient, KubeObject, Resource } from '../../kube/types.ts';

/** Object of which one field is ours as a whole, and of its metadata the labels and annotations that are named. */
export type MergedObject = KubeObject & { readonly [field: string]: unknown };

/**
 * Creates `wanted`, or corrects the object that exists: `fields` are replaced, labels and annotations added, and those annotations removed that
 * `isStale` finds. Everything else stays, whoever wrote it. Writes nothing if nothing differs.
 */
export async function mergeObject(
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>,
  { resource, object: wanted }: { readonly resource: Resource; readonly object: KubeObject },
  { fields, isStale = () => false }: MergeOptions,
  signal: AbortSignal,
): Promise<void> {
  const found = await findOrCreate(client, resource, wanted, signal);
  if (found === undefined) return;
  const operations = [
    ...mapOperations('labels', found, wanted, () => false),
    ...mapOperations('annotations', found, wanted, isStale),
    ...fields
      .filter((field) => !isDeepStrictEqual(fieldOf(found, field), fieldOf(wanted, field)))
      .map((field) => ({ op: 'add', path: `/${field}`, value: fieldOf(wanted, field) }) as const),
  ];
  if (operations.length === 0) return;
  const test = { op: 'test', path: '/metadata/uid', value: found.metadata.uid } as const;
  await client.patch(resource, wanted.metadata, [test, ...operations], { signal });
}

export interface MergeOptions {
  readonly fields: readonly string[];
  readonly isStale?: (annotation: string) => boolean;
}

/** Undefined if the object has been created. */
async function findOrCreate(
  client: Pick<KubeClient, 'get' | 'create'>,
  resource: Resource,
  wanted: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const found = await find(client, resource, wanted.metadata, signal);
  if (found !== undefined) return found;
  try {
    await client.create(resource, wanted, { signal });
    return undefined;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return client.get(resource, wanted.metadata, { signal });
  }
}

function mapOperations(
  field: 'labels' | 'annotations',
  found: KubeObject,
  wanted: KubeObject,
  isStale: (key: string) => boolean,
): JsonPatchOperation[] {
  const before = found.metadata[field];
  const after = wanted.metadata[field] ?? {};
  if (before === undefined)
    return Object.keys(after).length === 0 ? [] : [{ op: 'add', path: `/metadata/${field}`, value: after }];
  const place = (key: string) => `/metadata/${field}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return [
    ...Object.keys(before)
      .filter((key) => isStale(key) && !(key in after))
      .map((key) => ({ op: 'remove', path: place(key) }) as const),
    ...Object.entries(after)
      .filter(([key, value]) => before[key] !== value)
      .map(([key, value]) => ({ op: 'add', path: place(key), value }) as const),
  ];
}

function fieldOf(object: KubeObject, field: string): unknown {
  return (object as MergedObject)[field];
}
