import { isConflict, isInvalid, isKubeError, isNotFound } from '../../kube/kube-error.ts';
import { createFinalizer, type Finalizer } from '../../kube/objects/finalizers.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, Resource } from '../../kube/types.ts';
import { FINALIZER } from '../cluster/marks.ts';
import { MIRROR_CONFIGS, REGISTRY_CONFIGS } from '../cluster/resources.ts';
import { eachListed } from './each-listed.ts';
import { hasStatus } from './has-status.ts';

export interface ReleasedObjects {
  /** Number of objects that were changed. */
  readonly released: number;
  /** Number of objects whose change the API server refuses, for example because a webhook denies it; 10 000 at most. */
  readonly refused: number;
  /** Refusal of one of them. Names the object. */
  readonly firstRefusal: unknown;
}

type Client = Pick<KubeClient, 'list' | 'patch'>;

/**
 * Takes statuses and finalizers of the operator off the objects of users in all namespaces. The objects stay, with the finalizers of others. A refused
 * object does not keep the others. Reads metadata alone. Throws if the API server is unreachable or may not be asked.
 */
export async function releaseObjects(client: Client, signal: AbortSignal): Promise<ReleasedObjects> {
  let released = 0;
  const refused = new Set<string>();
  let firstRefusal: unknown;
  const finalizer = createFinalizer(client, FINALIZER);
  for (const kind of [REGISTRY_CONFIGS, MIRROR_CONFIGS]) {
    const resource = metadataOf(kind);
    const release = async (object: KubeObject): Promise<void> => {
      const steps = [
        // First the status: an object that is being deleted is gone with its finalizer.
        ...(hasStatus(object) ? [() => clearStatus(client, resource, object, signal)] : []),
        ...(finalizer.isOn(object)
          ? [() => takeFinalizer(client, finalizer, { resource, object }, signal)]
          : []),
      ];
      if (steps.length === 0) return;
      let isDone = true;
      for (const step of steps) {
        try {
          await step();
        } catch (error) {
          if (!isRefusal(error)) throw error;
          isDone = false;
          firstRefusal ??= error;
        }
      }
      if (isDone) released += 1;
      else if (refused.size < MOST_REFUSED) refused.add(metadataKey(object));
    };
    await eachListed(client, resource, {}, release, signal);
  }
  return { released, refused: refused.size, firstRefusal };
}

/** More than that are not counted. */
const MOST_REFUSED = 10_000;

/** A list that starts over has an object again. */
function metadataKey({ kind, metadata: { namespace, name } }: KubeObject): string {
  return `${kind} ${namespace}/${name}`;
}

/** Empties the status, which describes caches that are gone. */
async function clearStatus(
  client: Client,
  resource: Resource,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  // RFC 6902, 4.1: `add` replaces an existing value. An apply that gives up every field would leave null, which no schema accepts.
  const empty = [{ op: 'add', path: '/status', value: {} }] as const;
  try {
    await client.patch(resource, metadata, empty, { signal, subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

const TRIES = 4;

/** Takes the finalizer off, and reads the list again if it has changed meanwhile. */
async function takeFinalizer(
  client: Pick<KubeClient, 'list'>,
  finalizer: Finalizer,
  { resource, object }: { readonly resource: Resource; readonly object: KubeObject },
  signal: AbortSignal,
): Promise<void> {
  let now: KubeObject | undefined = object;
  for (let tries = 1; now !== undefined; tries += 1) {
    try {
      return await finalizer.remove(resource, now, signal);
    } catch (error) {
      if (tries === TRIES || !(isInvalid(error) || isConflict(error))) throw error;
      now = await sameObject(client, resource, object, signal);
    }
  }
}

/** Reads the object again. Undefined if it is gone: a new one of its name has none of our effects. The operator may list these objects, not get them. */
async function sameObject(
  client: Pick<KubeClient, 'list'>,
  resource: Resource,
  { metadata: { namespace, name, uid } }: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const query = { namespace, fieldSelector: `metadata.name=${name}`, page: { limit: 1 } };
  const { items } = await client.list(resource, query, { signal });
  return items.find(({ metadata }) => metadata.name === name && metadata.uid === uid);
}

/** True for an answer about this one object. A refused login, a server that is busy or away is about all of them. */
function isRefusal(error: unknown): boolean {
  if (!isKubeError(error) || error.httpStatus === undefined) return false;
  return ![401, 429, 502, 503, 504].includes(error.httpStatus);
}
