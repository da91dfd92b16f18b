import { KubeError } from '../kube-error.ts';
import type { ObjectKey, Resource } from '../types.ts';

/** Which object, or which collection where there is no name. */
export interface ResourceTarget {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/**
 * The path of an object or a collection below the server's URL. Throws what the server would say to a name that is none: one that
 * would lead to another path must not get that far.
 */
export function resourcePath(resource: Resource, { namespace, name, subresource }: ResourceTarget): string {
  const { group, version, plural } = resource;
  return [
    group === '' ? `/api/${version}` : `/apis/${group}/${version}`,
    ...(resource.namespaced && namespace !== undefined ? ['namespaces', segment(namespace)] : []),
    plural,
    ...(name === undefined ? [] : [segment(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');
}

/** The path of one object; of a kind with namespaces it takes one. */
export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  if (resource.namespaced && key.namespace === undefined)
    throw invalid(`${resourceName(resource)} ${key.name}: expected a namespace`);
  return resourcePath(resource, { ...key, subresource });
}

/** `statefulsets.apps`, and `pods` of the core group. */
export function resourceName({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** `get statefulsets.apps larder-system/docker-io`: what a call is about, for messages. */
export function callName(verb: string, resource: Resource, { namespace, name }: ResourceTarget): string {
  const place = [namespace, name].filter((part) => part !== undefined).join('/');
  return [verb, resourceName(resource), ...(place === '' ? [] : [place])].join(' ');
}

/** Names that may stand in a path (apimachinery, `path.IsValidPathSegmentName`). */
function segment(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/%]/.test(name))
    throw invalid(`${JSON.stringify(name)} is not a valid object name`);
  return encodeURIComponent(name);
}

function invalid(message: string): KubeError {
  return new KubeError(message, { httpStatus: 400, reason: 'BadRequest' });
}
