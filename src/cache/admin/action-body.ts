import { z } from 'zod';
import { LarderError } from '../../kit/errors.ts';
import { formatPath } from '../../kit/document/field-problem.ts';
import { bytesOf } from '../../kit/quantity.ts';

/** Reads the body of an action. Throws `REQUEST_INVALID` with every problem and its field path. */
export function readActionBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => ({
    path: formatPath(issue.path as (string | number)[]),
    message: issue.message,
  }));
  throw new LarderError(
    'REQUEST_INVALID',
    problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '),
    { detail: { problems } },
  );
}

/** Bytes per second, as a number or as a Kubernetes quantity: `20971520`, `"20Mi"`. */
export const rateSchema = z
  .union([z.number(), z.string()], 'expected bytes a second, such as 20971520 or "20M"')
  .transform((value, context) => {
    const bytes = typeof value === 'number' ? value : quantity(value);
    if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
    context.addIssue(
      `expected bytes a second above 0, such as 20971520 or "20M", found ${JSON.stringify(value)}`,
    );
    return z.NEVER;
  });

function quantity(text: string): number | undefined {
  try {
    return bytesOf(text);
  } catch {
    return undefined;
  }
}
