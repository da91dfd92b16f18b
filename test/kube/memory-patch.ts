import { isDeepStrictEqual } from 'node:util';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { JsonPatchOperation } from '../../src/kube/types.ts';

type Node = Record<string, unknown> | unknown[];

/** `object` after the operations (RFC 6902). Throws 422 for an impossible one, like the API server. */
export function patched<T extends object>(object: T, operations: readonly JsonPatchOperation[]): T {
  const result = structuredClone(object);
  for (const operation of operations) {
    const path = operation.path.slice(1).split('/').map(unescaped);
    const last = path.pop() ?? '';
    const parent = path.reduce<unknown>((node, segment) => childOf(node, segment), result);
    if (typeof parent !== 'object' || parent === null) throw refused(operation);
    carryOut(parent as Node, last, operation);
  }
  return result;
}

function carryOut(parent: Node, segment: string, operation: JsonPatchOperation): void {
  const exists = childOf(parent, segment) !== undefined;
  if (operation.op !== 'add' && !exists) throw refused(operation);
  if (operation.op === 'test') {
    if (!isDeepStrictEqual(childOf(parent, segment), operation.value)) throw refused(operation);
  } else if (Array.isArray(parent)) {
    const index = segment === '-' ? parent.length : Number(segment);
    if (operation.op === 'remove') parent.splice(index, 1);
    else parent.splice(index, operation.op === 'add' ? 0 : 1, operation.value);
  } else if (operation.op === 'remove') {
    delete parent[segment];
  } else {
    parent[segment] = operation.value;
  }
}

function childOf(node: unknown, segment: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[segment] : undefined;
}

function unescaped(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

function refused({ op, path }: JsonPatchOperation): KubeError {
  return new KubeError(`the ${op} of ${path} failed`, { httpStatus: 422, reason: 'Invalid' });
}
