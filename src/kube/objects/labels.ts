import { z } from 'zod';

/**
 * Schema of an object's labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set). The
 * patterns are valid RE2 too, for Helm.
 */
export const labelsSchema = z.record(
  z
    .string()
    .regex(/^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/),
  z.string().regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/),
);
