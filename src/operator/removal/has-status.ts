import { z } from 'zod';
import type { KubeObject } from '../../kube/types.ts';

const MANAGED = z.object({
  managedFields: z.array(
    z.object({
      subresource: z.string().optional(),
      fieldsV1: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

/**
 * True if the object may have fields in its status, as the owners of its fields say, which are a part of its metadata
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/). True as well if it has no such list.
 */
export function hasStatus({ metadata }: KubeObject): boolean {
  const { data } = MANAGED.safeParse(metadata);
  if (data === undefined) return true;
  return data.managedFields.some(({ subresource, fieldsV1 }) => {
    if (subresource !== 'status') return false;
    const fields = fieldsV1?.['f:status'];
    return typeof fields === 'object' && fields !== null && Object.keys(fields).length > 0;
  });
}
