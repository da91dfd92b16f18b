import { caBundleProblem } from '../../api/secrets/ca-bundle-rules.ts';
import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../resources.ts';
import { textAt } from './text-at.ts';

/** What is wrong with the CA bundle in a Secret, as the cache judges it; undefined for nothing. `data` is undefined where there is no Secret. */
export function bundleProblem({ namespace, name }: ObjectKey, data: Secret['data']): string | undefined {
  if (data === undefined)
    return `failed to get secret ${namespace}/${name} for caBundleSecretReferenceName ${name}: secrets "${name}" not found`;
  return caBundleProblem(textAt(data, 'bundle.crt'), `${namespace}/${name}`);
}
