import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';
import { KubeError } from '../kube-error.ts';
import type { KubeObject, Resource } from '../types.ts';

/** Fields that every object must have. */
const OBJECT = z.object({
  metadata: z.object({ name: z.string().min(1), resourceVersion: z.string().optional() }),
});

const PAGE = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  // Go writes an empty list as null.
  items: z.array(z.unknown()).nullish(),
});

export interface Page<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page. Undefined at the end. */
  readonly continueToken: string | undefined;
}

/**
 * Checks that `value` is an object and returns it with all of its fields. Items of lists lack `apiVersion` and `kind`, which are added. For
 * a metadata-only resource returns the metadata with the object's real kind.
 *
 * @throws KubeError `BadAnswer`
 */
export function decodeObject<T extends KubeObject>(value: unknown, resource: Resource<T>, what: string): T {
  if (!OBJECT.safeParse(value).success) throw badAnswer(what, `expected an object of kind ${resource.kind}`);
  const object = value as T;
  const { group, version, kind } = resource;
  const type = { apiVersion: group === '' ? version : `${group}/${version}`, kind };
  if (resource.metadataOnly === true) return { ...type, metadata: object.metadata } as T;
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  return { ...object, ...type };
}

/** Decodes one page of a list. @throws KubeError `BadAnswer` */
export function decodePage<T extends KubeObject>(
  value: unknown,
  resource: Resource<T>,
  what: string,
): Page<T> {
  const page = PAGE.safeParse(value);
  if (!page.success) throw badAnswer(what, `expected a list of kind ${resource.kind}`);
  const { metadata, items } = page.data;
  return {
    items: (items ?? []).map((item) => decodeObject(item, resource, what)),
    resourceVersion: metadata.resourceVersion,
    continueToken: metadata.continue === '' ? undefined : metadata.continue,
  };
}

/** Parses JSON. @throws KubeError `BadAnswer`, without the text, which may be a Secret's. */
export function decodeJson(text: string, what: string): unknown {
  const value = parseJson(text);
  if (value === undefined) throw badAnswer(what, 'expected JSON');
  return value;
}

/** Error for an unusable answer. */
export function badAnswer(what: string, problem: string): KubeError {
  return new KubeError(`${what}: ${problem}`, { httpStatus: undefined, reason: 'BadAnswer' });
}
