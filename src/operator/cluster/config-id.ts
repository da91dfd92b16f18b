import type { KubeObject, ObjectKey } from '../../kube/types.ts';

/** An object of either kind, as keys, annotations and messages name it: `RegistryConfig team/hub`. */
export type ConfigId = string;

export function configId({
  kind,
  metadata: { namespace = '', name },
}: Pick<KubeObject, 'kind' | 'metadata'>): ConfigId {
  return `${kind} ${namespace}/${name}`;
}

/** What {@link configId} stands for; undefined for any other text. */
export function parseConfigId(id: ConfigId): (ObjectKey & { readonly kind: string }) | undefined {
  const match = /^(RegistryConfig|MirrorConfig) ([^/ ]+)\/([^/ ]+)$/.exec(id);
  if (match === null) return undefined;
  const [, kind = '', namespace = '', name = ''] = match;
  return { kind, namespace, name };
}
