import type { ObjectKey } from '../../kube/types.ts';
import type { Secret } from '../cluster/resources.ts';
import { bundleProblem } from './bundle-problem.ts';

/** It goes into the document for the nodes. All of Mozilla's authorities, as distributions ship them, take 220 KB. */
const MOST_BYTES = 256 * 1024;

/** As {@link bundleProblem}, for the bundle of a mirror. */
export function mirrorBundleProblem(key: ObjectKey, data: Secret['data']): string | undefined {
  const bytes = Buffer.byteLength(data?.['bundle.crt'] ?? '', 'base64');
  if (bytes <= MOST_BYTES) return bundleProblem(key, data);
  return `bundle.crt of Secret ${key.name} has ${bytes} bytes, and may have ${MOST_BYTES}: keep the certificates that the mirror needs`;
}
