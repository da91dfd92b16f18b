import { KubeError } from '../kube-error.ts';
import type { ObjectKey, Resource } from '../types.ts';

/** An object, or a collection if there is no name. */
export interface ResourceTarget {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/**
 * Path of an object or collection below the server's URL. Throws the server's refusal for an invalid name, which could lead to another
 * path.
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

/** Path of one object. A namespaced kind needs a namespace. */
export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  if (resource.namespaced && key.namespace === undefined)
    throw invalid(`${resourceName(resource)} ${key.name}: expected a namespace`);
  return resourcePath(resource, { ...key, subresource });
}

/** `statefulsets.apps`, and `pods` in the core group. */
export function resourceName({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** Name of a call for messages: `get statefulsets.apps larder-system/docker-io`. */
export function callName(verb: string, resource: Resource, { namespace, name }: ResourceTarget): string {
  const place = [namespace, name].filter((part) => part !== undefined).join('/');
  return [verb, resourceName(resource), ...(place === '' ? [] : [place])].join(' ');
}

/** Checks and encodes one segment of a path (apimachinery, `path.IsValidPathSegmentName`). */
function segment(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/%]/.test(name))
    throw invalid(`${JSON.stringify(name)} is not a valid object name`);
  return encodeURIComponent(name);
}

function invalid(message: string): KubeError {
  return new KubeError(message, { httpStatus: 400, reason: 'BadRequest' });
}
