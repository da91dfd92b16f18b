import { createHash } from 'node:crypto';

/** Text of a JSON value that is equal for equal values, whatever the order of their keys. Undefined fields count as absent. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (isMap(inner) ? sorted(inner) : inner)) ?? 'null';
}

/** Hash of {@link canonical}. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url');
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
