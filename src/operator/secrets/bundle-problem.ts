import { caBundleProblem } from '../../api/secrets/ca-bundle-rules.ts';
import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../cluster/resources.ts';
import { notFound } from './not-found.ts';
import { textAt } from './text-at.ts';

/** What is wrong with the CA bundle in a Secret, as the cache judges it; undefined for nothing. `data` is undefined where there is no Secret. */
export function bundleProblem(key: ObjectKey, data: Secret['data']): string | undefined {
  if (data === undefined) return notFound(key, 'caBundleSecretReferenceName');
  return caBundleProblem(textAt(data, 'bundle.crt'), `${key.namespace}/${key.name}`);
}
