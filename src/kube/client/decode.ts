import { z } from 'zod';
import { parseJson } from '../../kit/json.ts';
import { KubeError } from '../kube-error.ts';
import type { KubeObject, Resource } from '../types.ts';

/** What has to be there for an object to be one. */
const OBJECT = z.object({
  metadata: z.object({ name: z.string().min(1), resourceVersion: z.string().optional() }),
});

const PAGE = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  // Go writes a list without elements as null.
  items: z.array(z.unknown()).nullish(),
});

export interface Page<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Where the next page begins; undefined at the end. */
  readonly continueToken: string | undefined;
}

/**
 * Checks that `value` is an object, and gives back the very same, with every field that it has. Items of lists come without
 * `apiVersion` and `kind`: those are added. Of a metadata-only resource it gives the metadata, and the kind that the object really has.
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

/** One page of a list. @throws KubeError `BadAnswer` */
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

/** @throws KubeError `BadAnswer`, without any of the text: it may be a Secret's. */
export function decodeJson(text: string, what: string): unknown {
  const value = parseJson(text);
  if (value === undefined) throw badAnswer(what, 'expected JSON');
  return value;
}

/** An answer that cannot be used. */
export function badAnswer(what: string, problem: string): KubeError {
  return new KubeError(`${what}: ${problem}`, { httpStatus: undefined, reason: 'BadAnswer' });
}
