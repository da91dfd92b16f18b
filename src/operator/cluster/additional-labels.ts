import type { JsonPatchOperation, KubeObject } from '../../kube/types.ts';

type Labels = Readonly<Record<string, string>>;

/** Annotation with the names of the additional labels that the operator has put on an object. */
const ANNOTATION = 'larder/object-labels';

/** The annotation that belongs to additional labels; none without labels. */
export function additionalLabelsAnnotation(labels: Labels): Labels {
  const names = Object.keys(labels).sort();
  return names.length === 0 ? {} : { [ANNOTATION]: names.join(',') };
}

/**
 * Patches an object that is not applied as a whole, so that it has the additional labels `wanted`, and none that the operator has put there
 * before. The labels `own` of the object stay, whatever is wanted. Empty if the object is so already.
 */
export function additionalLabelsPatch(
  { metadata }: KubeObject,
  wanted: Labels,
  own: Labels,
): readonly JsonPatchOperation[] {
  const { labels = {}, annotations } = metadata;
  const additional = Object.fromEntries(Object.entries(wanted).filter(([name]) => !Object.hasOwn(own, name)));
  const known = annotations?.[ANNOTATION];
  const next = additionalLabelsAnnotation(additional)[ANNOTATION];
  const added = Object.entries(additional).filter(([name, value]) => labels[name] !== value);
  const removed = (known?.split(',') ?? []).filter(
    (name) => Object.hasOwn(labels, name) && !Object.hasOwn(additional, name) && !Object.hasOwn(own, name),
  );
  const operations: readonly JsonPatchOperation[] = [
    ...added.map(([name, value]) => ({ op: 'add', path: pathOf('labels', name), value }) as const),
    ...removed.map((name) => ({ op: 'remove', path: pathOf('labels', name) }) as const),
    ...(known === next ? [] : annotationPatch(annotations, next)),
  ];
  if (operations.length === 0) return [];
  return [{ op: 'test', path: '/metadata/uid', value: metadata.uid }, ...operations];
}

function annotationPatch(
  annotations: Labels | undefined,
  value: string | undefined,
): readonly JsonPatchOperation[] {
  if (value === undefined) return [{ op: 'remove', path: pathOf('annotations', ANNOTATION) }];
  if (annotations === undefined)
    return [{ op: 'add', path: '/metadata/annotations', value: { [ANNOTATION]: value } }];
  return [{ op: 'add', path: pathOf('annotations', ANNOTATION), value }];
}

/** RFC 6901, section 3. */
function pathOf(field: 'labels' | 'annotations', name: string): string {
  return `/metadata/${field}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
