import { brotliCompressSync, constants } from 'node:zlib';
import type { KubeObject } from '../../kube/types.ts';
import { shootManagedResource, type ManagedResource, type ManagedResourceName } from './managed-resource.ts';
import { manifestsOf } from './manifests.ts';
import { uniqueSecret, type UniqueSecret } from './unique-secret.ts';

/** The two objects in the seed that bring objects into a shoot. The Secret has to exist before the ManagedResource names it. */
export interface Component {
  readonly secret: UniqueSecret;
  readonly managedResource: ManagedResource;
}

export interface ComponentOptions extends ManagedResourceName {
  /** Begin of the name of the Secret. */
  readonly secretBase: string;
  readonly deletePersistentVolumeClaims?: true;
}

/** Name of the only entry of the Secret. The end `.br` makes gardener-resource-manager decompress it. */
const DATA_KEY = 'data.yaml.br';

/**
 * Compresses little worse than the best quality, in a hundredth of the time: 20 caches take 1 ms, and nothing else runs meanwhile.
 */
const QUALITY = 5;

/**
 * Renders objects of a shoot into a Secret and the ManagedResource that leads to it. Equal objects give equal bytes and names. Throws
 * `CONFIG_INVALID` if two objects have one name.
 */
export function shootComponent(options: ComponentOptions, objects: readonly KubeObject[]): Component {
  const { namespace, name, secretBase: base, ...rest } = options;
  const secret = uniqueSecret({ base, namespace, type: 'Opaque', data: compressed(manifestsOf(objects)) });
  return { secret, managedResource: shootManagedResource({ namespace, name }, secret.metadata.name, rest) };
}

function compressed(text: string): Readonly<Record<string, string>> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY };
  return { [DATA_KEY]: brotliCompressSync(text, { params }).toString('base64') };
}
