import type { KubeObject } from '../../kube/types.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import type { PlannedMirrors } from '../configs/plan.ts';
import { mirrorBundleProblem } from '../secrets/bundle-problems.ts';
import { secretText } from '../secrets/secret-text.ts';

/** The CA bundles of all mirrors. */
export interface MirrorBundles {
  /** The valid bundle in a Secret of the mirrors' owner. Undefined if it cannot be used. */
  readonly bundleOf: (mirrors: PlannedMirrors, secretName: string) => string | undefined;
  /** Read error of each upstream with a Secret that could not be read. */
  readonly unread: ReadonlyMap<string, unknown>;
}

/** Reads the Secrets that mirrors name. Rejects only if `signal` aborts. */
export async function readMirrorBundles(
  secrets: NamedSecrets,
  mirrors: readonly PlannedMirrors[],
  signal: AbortSignal,
): Promise<MirrorBundles> {
  const bundles = new Map<string, string>();
  const unread = new Map<string, unknown>();
  for (const one of mirrors) {
    for (const { caBundleSecretReferenceName: name } of one.mirrors.hosts) {
      if (name === undefined) continue;
      const key = { namespace: namespaceOf(one.owner), name };
      try {
        const data = (await secrets.read(key, signal))?.data;
        if (mirrorBundleProblem(key, data) !== undefined) continue;
        bundles.set(bundleId(one, name), secretText(data ?? {}, 'bundle.crt') ?? '');
      } catch (error) {
        signal.throwIfAborted();
        unread.set(one.mirrors.upstream, error);
      }
    }
  }
  return { bundleOf: (one, name) => bundles.get(bundleId(one, name)), unread };
}

function bundleId({ owner }: PlannedMirrors, name: string): string {
  return `${namespaceOf(owner)}/${name}`;
}

function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? '';
}
