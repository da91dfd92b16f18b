/**
 * The objects of an API server in memory, for tests of operations on objects: versions and conflicts, generation, finalizers and deletion,
 * the status subresource, JSON patch and merge patch, server-side apply with owners of fields two levels deep, and lists by namespace and
 * labels. No watches.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { untilAborted } from '../../src/kit/abort.ts';
import type { Clock } from '../../src/kit/clock.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type {
  CallOptions,
  KubeClient,
  KubeObject,
  ListQuery,
  ObjectKey,
  Resource,
} from '../../src/kube/types.ts';
import { FieldOwners } from './field-owners.ts';
import { patched } from './memory-patch.ts';
import { mergePatched } from './merge-patch.ts';

export type MemoryClient = Omit<KubeClient, 'watch'>;

export interface KubeRequest {
  readonly verb: 'get' | 'list' | 'create' | 'replace' | 'apply' | 'patch' | 'delete';
  readonly plural: string;
  readonly name: string;
  readonly manager: string;
}

export interface ClientOptions {
  /** Name of the client's program. It owns the fields written by other means than apply. */
  readonly manager?: string;
  /** Delays or fails each request and each answer. A caller that has given up does not cancel a request under way. */
  readonly network?: (request: KubeRequest) => Promise<void>;
}

export interface MemoryKube {
  client(options?: ClientOptions): MemoryClient;
  /** Requests that have reached the server. */
  readonly requests: readonly KubeRequest[];
  count(verb: KubeRequest['verb'], plural?: string): number;
}

/** Any object with all of its fields. */
type Stored = KubeObject & Record<string, unknown>;

export function createMemoryKube(clock: Clock): MemoryKube {
  const objects = new Map<string, Stored>();
  const owners = new FieldOwners();
  const requests: KubeRequest[] = [];
  let version = 0;

  function existing(resource: Resource, key: ObjectKey): Stored {
    const object = objects.get(idOf(resource, key));
    if (object === undefined) throw refusal(404, 'NotFound', `${resource.plural} "${key.name}" not found`);
    return object;
  }

  function listed(resource: Resource, namespace: string | undefined, labelSelector: string): Stored[] {
    const terms = labelSelector.split(',').filter((term) => term !== '');
    const { plural, group } = resource;
    const place = namespace === undefined ? `${plural}.${group}/` : idOf(resource, { namespace, name: '' });
    return [...objects]
      .filter(([id]) => id.startsWith(place))
      .map(([, object]) => object)
      .filter(({ metadata: { labels = {} } }) =>
        terms.every((term) => labels[term.split('=')[0] ?? ''] === term.split('=')[1]),
      );
  }

  /** Stores `next` in place of `before` and returns the resulting object. */
  function store(id: string, before: Stored | undefined, next: Stored): Stored {
    const { deletionTimestamp, finalizers = [] } = next.metadata;
    if (before !== undefined && deletionTimestamp !== undefined) {
      const added = finalizers.some((name) => !before.metadata.finalizers?.includes(name));
      if (added)
        throw refusal(422, 'Invalid', 'no finalizers can be added to an object that is being deleted');
    }
    if (before !== undefined && isDeepStrictEqual(before, next)) return before;
    const specChanged = before !== undefined && !isDeepStrictEqual(specOf(before), specOf(next));
    const stored: Stored = {
      ...next,
      metadata: {
        ...next.metadata,
        uid: before?.metadata.uid ?? randomUUID(),
        creationTimestamp: before?.metadata.creationTimestamp ?? timestamp(clock),
        generation: (before?.metadata.generation ?? 1) + (specChanged ? 1 : 0),
        resourceVersion: String(++version),
      },
    };
    if (deletionTimestamp !== undefined && finalizers.length === 0) {
      objects.delete(id);
      owners.forget(id);
    } else {
      objects.set(id, stored);
    }
    return stored;
  }

  function client({ manager = 'test', network = () => Promise.resolve() }: ClientOptions = {}): MemoryClient {
    /** One round trip: request, `answer`, and back. The result shares nothing with the stored object. */
    async function trip<T>(request: KubeRequest, answer: () => T): Promise<T> {
      await network(request);
      requests.push(request);
      const [outcome] = await Promise.allSettled([Promise.try(answer)]);
      await network(request);
      if (outcome.status === 'rejected') throw outcome.reason;
      return structuredClone(outcome.value);
    }

    async function call<T extends KubeObject>(
      verb: KubeRequest['verb'],
      resource: Resource,
      name: string,
      { signal }: CallOptions,
      answer: () => KubeObject,
    ): Promise<T> {
      signal.throwIfAborted();
      const answered = trip({ verb, plural: resource.plural, name, manager }, answer);
      return (await untilAborted(answered, signal)) as T;
    }

    return {
      get: (resource, key, options) =>
        call('get', resource, key.name, options, () => existing(resource, key)),

      async list<T extends KubeObject>(
        resource: Resource<T>,
        { namespace, labelSelector = '' }: ListQuery,
        { signal }: CallOptions,
      ) {
        signal.throwIfAborted();
        const request = { verb: 'list', plural: resource.plural, name: '', manager } as const;
        const answered = trip(request, () => listed(resource, namespace, labelSelector));
        const items = (await untilAborted(answered, signal)) as unknown as readonly T[];
        return { items, resourceVersion: String(version) };
      },

      create: (resource, object, options) =>
        call('create', resource, object.metadata.name, options, () => {
          const id = idOf(resource, object.metadata);
          if (objects.has(id))
            throw refusal(
              409,
              'AlreadyExists',
              `${resource.plural} "${object.metadata.name}" already exists`,
            );
          const stored = store(id, undefined, structuredClone(object) as unknown as Stored);
          owners.updated(id, manager, undefined, stored);
          return stored;
        }),

      replace: (resource, object, options) =>
        call('replace', resource, object.metadata.name, options, () => {
          const before = existing(resource, object.metadata);
          checkVersion(before, object.metadata.resourceVersion);
          const id = idOf(resource, object.metadata);
          const stored = store(id, before, merged(before, structuredClone(object), options.subresource));
          owners.updated(id, manager, before, stored);
          return stored;
        }),

      apply: (resource, intent, options) =>
        call('apply', resource, intent.metadata.name, options, () => {
          const id = idOf(resource, intent.metadata);
          const before = objects.get(id);
          if (before === undefined && options.subresource !== undefined) existing(resource, intent.metadata);
          checkUid(before, intent.metadata.uid);
          const wanted = structuredClone(intent) as unknown as Stored;
          const start = before ?? { ...wanted, metadata: { ...identityOf(wanted) } };
          const next = owners.apply(id, start, wanted, options);
          return store(id, before, merged(start, next, options.subresource));
        }),

      patch: (resource, key, operations, options) =>
        call('patch', resource, key.name, options, () => {
          const before = existing(resource, key);
          const id = idOf(resource, key);
          const stored = store(id, before, merged(before, patched(before, operations), options.subresource));
          owners.updated(id, manager, before, stored);
          return stored;
        }),

      mergePatch: (resource, key, patch, options) =>
        call('patch', resource, key.name, options, () => {
          const before = existing(resource, key);
          const id = idOf(resource, key);
          const next = mergePatched(before, patch);
          checkVersion(before, next.metadata.resourceVersion);
          const stored = store(id, before, merged(before, next, options.subresource));
          owners.updated(id, manager, before, stored);
          return stored;
        }),

      async delete(resource, key, options) {
        await call('delete', resource, key.name, options, () => {
          const id = idOf(resource, key);
          const before = objects.get(id);
          if (before === undefined) return identityOnly(resource, key);
          checkVersion(before, options.resourceVersion);
          checkUid(before, options.uid);
          const deletionTimestamp = before.metadata.deletionTimestamp ?? timestamp(clock);
          return store(id, before, { ...before, metadata: { ...before.metadata, deletionTimestamp } });
        });
      },
    };
  }

  return {
    client,
    requests,
    count: (verb, plural) =>
      requests.filter((one) => one.verb === verb && (plural === undefined || one.plural === plural)).length,
  };
}

function idOf(resource: Resource, { namespace = '', name }: ObjectKey): string {
  return `${resource.plural}.${resource.group}/${namespace}/${name}`;
}

function refusal(httpStatus: number, reason: string, message: string): KubeError {
  return new KubeError(message, { httpStatus, reason });
}

function checkVersion(object: KubeObject, expected: string | undefined): void {
  if (expected !== undefined && expected !== object.metadata.resourceVersion)
    throw refusal(
      409,
      'Conflict',
      `the object has been modified: version ${object.metadata.resourceVersion}`,
    );
}

function checkUid(object: KubeObject | undefined, expected: string | undefined): void {
  if (expected !== undefined && expected !== object?.metadata.uid)
    throw refusal(409, 'Conflict', `Precondition failed: UID in precondition: ${expected}`);
}

/**
 * `before` with the fields that a write through `subresource` may change: `status` alone, or everything but `status` and the server's own
 * fields.
 */
function merged(before: Stored, next: KubeObject, subresource: 'status' | undefined): Stored {
  if (subresource === 'status') return { ...before, status: (next as Stored)['status'] };
  const { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = before.metadata;
  const kept = { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp };
  const metadata = { ...next.metadata, ...defined(kept) };
  const { status } = before;
  return { ...(next as Stored), metadata, ...defined({ status }) };
}

function specOf({ metadata: _metadata, status: _status, ...rest }: Stored): unknown {
  return rest;
}

function identityOf({ metadata: { name, namespace } }: KubeObject): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}

function identityOnly({ group, version, kind }: Resource, { name }: ObjectKey): KubeObject {
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind, metadata: { name } };
}

function defined(fields: Record<string, unknown>): Record<string, never> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
    string,
    never
  >;
}

function timestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}
