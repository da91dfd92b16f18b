/** Writes of gardener-resource-manager to the objects of a shoot (gardener v1.147.1, `managedresource/reconciler.go` `applyNewResources`). */
import { isDeepStrictEqual } from 'node:util';
import { find } from '../../../src/kube/objects/find.ts';
import type { KubeClient } from '../../../src/kube/types.ts';
import type { FindKind } from './kinds.ts';
import { isTrue, type Manifest } from './manifest.ts';
import { firstState, nextState, ORIGIN, type MergeContext } from './merged.ts';

export const IGNORE = 'resources.gardener.cloud/ignore';

export interface ObjectWriter {
  /** Returns the manifest with the namespace that it is applied to. */
  placed(manifest: Manifest): Promise<Manifest>;
  /** Creates or updates an object. Throws if the server refuses, or does not have the kind. */
  apply(manifest: Manifest, context: MergeContext, signal: AbortSignal): Promise<Manifest>;
  /** Gives an object up that the manifest leaves to others. */
  release(manifest: Manifest, origin: string, signal: AbortSignal): Promise<void>;
}

export function createObjectWriter({
  shoot,
  findKind,
}: {
  readonly shoot: Omit<KubeClient, 'watch'>;
  readonly findKind: FindKind;
}): ObjectWriter {
  return { placed, apply, release };

  /** Objects of a kind with namespaces are in `default` unless they say otherwise. A kind that is not known yet counts as one. */
  async function placed(manifest: Manifest): Promise<Manifest> {
    const kind = await findKind(manifest.apiVersion, manifest.kind);
    const { namespace, ...metadata } = manifest.metadata;
    if (kind?.namespaced === false || manifest.kind === 'Namespace') return { ...manifest, metadata };
    return { ...manifest, metadata: { ...metadata, namespace: namespace ?? 'default' } };
  }

  async function apply(manifest: Manifest, context: MergeContext, signal: AbortSignal): Promise<Manifest> {
    const { namespace, name } = manifest.metadata;
    const kind = await findKind(manifest.apiVersion, manifest.kind);
    if (kind === undefined) throw new Error(`no matches for kind ${manifest.kind} in ${manifest.apiVersion}`);
    const current = await find(shoot, kind, { namespace, name }, signal);
    if (current === undefined) return shoot.create(kind, firstState(manifest, context), { signal });
    if (isTrue(manifest.metadata.annotations, IGNORE)) return current;
    const next = nextState(current, manifest, context);
    return isDeepStrictEqual(next, current) ? current : shoot.replace(kind, next, { signal });
  }

  /** Leaves an object to others, which the manifest asks for. */
  async function release(manifest: Manifest, origin: string, signal: AbortSignal): Promise<void> {
    const { namespace, name } = manifest.metadata;
    const kind = await findKind(manifest.apiVersion, manifest.kind);
    if (kind === undefined) return;
    const current = await find(shoot, kind, { namespace, name }, signal);
    if (current?.metadata.annotations?.[ORIGIN] !== origin) return;
    await shoot.mergePatch(
      kind,
      { namespace, name },
      { metadata: { annotations: { [ORIGIN]: null } } },
      { signal },
    );
  }
}
