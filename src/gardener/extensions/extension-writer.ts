import { isNotFound } from '../../kube/kube-error.ts';
import { canonical } from '../../kube/objects/canonical.ts';
import { createFinalizer } from '../../kube/objects/finalizers.ts';
import type { JsonPatchOperation, KubeClient, MergePatch } from '../../kube/types.ts';
import { OPERATION } from './extension-facts.ts';
import { EXTENSIONS, type Extension } from './resources.ts';

/**
 * The writes to one Extension during one reconcile. A write that has to meet the object as it was read carries a `test`. If the object has
 * changed, the server refuses (422), and the next reconcile begins with the new one.
 */
export interface ExtensionWriter {
  /** The object as the server last answered. */
  readonly current: Extension;
  addFinalizer(): Promise<void>;
  /** Lets a deletion go on. Resolves also if the object is gone. */
  removeFinalizer(): Promise<void>;
  /** Merges `patch` into the object, of which only the status is written. */
  writeStatus(patch: MergePatch, signal?: AbortSignal): Promise<void>;
  /** Replaces the `providerStatus`, and nothing else. Writes nothing if it is equal. */
  writeProviderStatus(providerStatus: object): Promise<void>;
  /** Takes off the request for `operation`, and no other. */
  removeOperation(operation: string): Promise<void>;
  /**
   * Takes off all finalizers, also those of others, and in the same step the request for `operation`, if there was one. Resolves also if
   * the object is gone.
   */
  handOver(operation: string | undefined): Promise<void>;
}

export interface ExtensionWriterOptions {
  readonly finalizer: string;
  readonly signal: AbortSignal;
}

export function createExtensionWriter(
  client: Pick<KubeClient, 'patch' | 'mergePatch'>,
  extension: Extension,
  { finalizer: name, signal }: ExtensionWriterOptions,
): ExtensionWriter {
  const finalizer = createFinalizer(client, name);
  let current = extension;

  async function patch(operations: readonly JsonPatchOperation[], subresource?: 'status'): Promise<void> {
    const { metadata } = current;
    // A new object of the same name has its own requests and effects.
    const guarded = [{ op: 'test', path: '/metadata/uid', value: metadata.uid } as const, ...operations];
    const options = { signal, ...(subresource !== undefined && { subresource }) };
    current = await client.patch(EXTENSIONS, metadata, guarded, options);
  }

  return {
    get current() {
      return current;
    },
    async addFinalizer() {
      current = await finalizer.add(EXTENSIONS, current, signal);
    },
    removeFinalizer: () => finalizer.remove(EXTENSIONS, current, signal),
    async writeStatus(status, until = signal) {
      const options = { signal: until, subresource: 'status' } as const;
      current = await client.mergePatch(EXTENSIONS, current.metadata, status, options);
    },
    async writeProviderStatus(value) {
      if (canonical(current.status?.providerStatus) === canonical(value)) return;
      // A merge would keep fields that the new value lacks.
      await patch([{ op: 'add', path: '/status/providerStatus', value }], 'status');
    },
    removeOperation: (operation) => patch(withoutOperation(operation)),
    async handOver(operation) {
      const { finalizers = [] } = current.metadata;
      const operations = [
        ...(finalizers.length === 0 ? [] : [{ op: 'remove', path: '/metadata/finalizers' } as const]),
        ...(operation === undefined ? [] : withoutOperation(operation)),
      ];
      if (operations.length > 0) await patch(operations).catch(unlessGone);
    },
  };
}

function withoutOperation(operation: string): JsonPatchOperation[] {
  const path = `/metadata/annotations/${OPERATION.replaceAll('/', '~1')}`;
  return [
    { op: 'test', path, value: operation },
    { op: 'remove', path },
  ];
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
