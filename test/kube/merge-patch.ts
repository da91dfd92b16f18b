import type { MergePatch } from '../../src/kube/types.ts';

/** `target` after a merge patch (RFC 7386, section 2). */
export function mergePatched<T extends object>(target: T, patch: MergePatch): T {
  return merge(target, structuredClone(patch)) as T;
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merge(result[name], value);
  }
  return result;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
