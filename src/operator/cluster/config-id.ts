import type { KubeObject, ObjectKey } from '../../kube/types.ts';

/** Name of a RegistryConfig or MirrorConfig in keys, annotations and messages: `RegistryConfig team/hub`. */
export type ConfigId = string;

export function configId({
  kind,
  metadata: { namespace = '', name },
}: Pick<KubeObject, 'kind' | 'metadata'>): ConfigId {
  return `${kind} ${namespace}/${name}`;
}

/** Reverses {@link configId}. Undefined for any other text. */
export function parseConfigId(id: ConfigId): (ObjectKey & { readonly kind: string }) | undefined {
  const match = /^(RegistryConfig|MirrorConfig) ([^/ ]+)\/([^/ ]+)$/.exec(id);
  if (match === null) return undefined;
  const [, kind = '', namespace = '', name = ''] = match;
  return { kind, namespace, name };
}
