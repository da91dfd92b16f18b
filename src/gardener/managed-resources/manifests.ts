import { goQuote } from '../../kit/document/go-quote.ts';
import { quotedYaml } from '../../kit/document/quoted-yaml.ts';
import { LarderError } from '../../kit/errors.ts';
import type { KubeObject } from '../../kube/types.ts';

/**
 * Writes objects as YAML documents in the order of kind, namespace and name, whatever their order here. Equal objects give equal texts. Throws
 * `CONFIG_INVALID` in the words of the Go library (gardener v1.147.1, `pkg/utils/managedresources/registry.go`) if two have one name.
 */
export function manifestsOf(objects: readonly KubeObject[]): string {
  const byFile = new Map<string, KubeObject>();
  for (const object of objects) {
    const file = fileOf(object);
    if (byFile.has(file)) {
      throw new LarderError('CONFIG_INVALID', `duplicate filename in registry: ${goQuote(file)}`);
    }
    byFile.set(file, object);
  }
  return [...byFile]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => quotedYaml(object))
    .join('---\n');
}

/** Name that the Go library gives the document of an object, such as `apps/v1, kind=statefulset__kube-system__registry-docker-io.yaml`. */
function fileOf({ apiVersion, kind, metadata }: KubeObject): string {
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  const type = `${groupVersion}, Kind=${kind}`.toLowerCase();
  return `${type}__${metadata.namespace ?? ''}__${metadata.name.replaceAll(':', '_')}.yaml`;
}
