import { isDeepStrictEqual } from 'node:util';
import { Refused } from './api-store.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** `document` after the operations (RFC 6902: add, replace, remove, test). Throws the API server's refusal of one that fails. */
export function jsonPatch<T>(document: T, operations: readonly Operation[]): T {
  const root = { document: structuredClone(document) as unknown };
  for (const { op, path, value } of operations) {
    const segments = path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    segments[0] = 'document';
    const last = segments.pop() ?? '';
    let parent = root as Record<string, unknown>;
    for (const segment of segments) parent = parent[segment] as Record<string, unknown>;
    const exists =
      typeof parent === 'object' && parent !== null && (Object.hasOwn(parent, last) || last === '-');
    const isRefused =
      typeof parent !== 'object' ||
      parent === null ||
      (op !== 'add' && !exists) ||
      (op === 'test' && !isDeepStrictEqual(parent[last], value));
    if (isRefused) throw new Refused(422, 'Invalid', `the server rejected our request: ${op} ${path} failed`);
    if (op === 'test') continue;
    if (!Array.isArray(parent)) {
      if (op === 'remove') delete parent[last];
      // An assignment would not make a field of the name `__proto__`.
      else
        Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
    } else if (op === 'replace') parent[Number(last)] = value;
    else
      parent.splice(
        last === '-' ? parent.length : Number(last),
        op === 'remove' ? 1 : 0,
        ...(op === 'add' ? [value] : []),
      );
  }
  return root.document as T;
}
