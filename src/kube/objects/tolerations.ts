import { z } from 'zod';

/** Tolerations of a pod (`core/v1`, `Toleration`, Kubernetes 1.34). Other fields are refused. */
export const tolerationsSchema = z.array(
  z.strictObject({
    key: z.string().optional(),
    operator: z.enum(['Exists', 'Equal']).optional(),
    value: z.string().optional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int().optional(),
  }),
);
