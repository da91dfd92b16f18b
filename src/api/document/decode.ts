import type { z } from 'zod';
import { goQuote } from '../../kit/document/go-quote.ts';
import {
  problemsAt,
  valueAt,
  type FieldPath,
  type Problem,
  type Problems,
} from '../../kit/document/field-problem.ts';

/** The readable part of a document. */
export interface Decoded<Output> {
  /** The document without the fields that could not be read. Undefined if nothing is left to check. */
  readonly value: Output | undefined;
  /** In the order of the document. */
  readonly problems: readonly Problem[];
  /** True if the field with this complete path, or a field around it, could not be read. Its value is unknown then. */
  readonly isBroken: (path: string) => boolean;
}

/**
 * Reads a document strictly: every unknown field, wrong type and unreadable value becomes a problem. The rest is read all the
 * same, so that rules can find the other problems in the same run. Never throws.
 */
export function decode<Schema extends z.ZodType>(
  schema: Schema,
  document: unknown,
  prefix = '',
): Decoded<z.output<Schema>> {
  const first = schema.safeParse(document);
  if (first.success) return { value: first.data, problems: [], isBroken: () => false };
  const found = first.error.issues.flatMap((issue) => faults(issue, document, problemsAt(prefix)));
  const inOrder = documentOrder(document);
  found.sort((a, b) => inOrder(a.path, b.path));
  const paths = found.map((fault) => fault.path);
  const problems = found.map((fault) => fault.problem);
  return {
    value: schema.safeParse(without(document, paths)).data,
    problems,
    isBroken: (path) => problems.some((problem) => isWithin(path, problem.path)),
  };
}

function isWithin(path: string, start: string): boolean {
  return path.startsWith(start) && (path.length === start.length || '.['.includes(path[start.length] ?? ''));
}

interface Fault {
  readonly path: FieldPath;
  readonly problem: Problem;
}

function faults(issue: z.core.$ZodIssue, document: unknown, problems: Problems): Fault[] {
  const path = issue.path.filter((segment) => typeof segment !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ');
    return issue.keys.map((key) => ({
      path: [...path, key],
      problem: problems.unknownField([...path, key], suggestion(key, known)),
    }));
  }
  const found = valueAt(document, path);
  if (issue.code === 'invalid_value' && typeof found === 'string') {
    return [{ path, problem: problems.notSupported(path, found, issue.values.map(String)) }];
  }
  if (issue.code === 'custom') return [{ path, problem: problems.undecodable(path, issue.message) }];
  const wanted = issue.code === 'invalid_value' ? 'a string' : issue.message;
  return [{ path, problem: problems.undecodable(path, `must be ${wanted}, found ${described(found)}`) }];
}

/** Describes a value in an error text. A string appears as its type only: a value in the wrong place may be a password. */
function described(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  return `a ${typeof value}`;
}

/** Suggests the known field that differs in case or by up to two characters, else lists the known fields. */
function suggestion(key: string, known: readonly string[]): string {
  const wanted = key.toLowerCase();
  const near =
    known.find((name) => name.toLowerCase() === wanted) ?? known.find((name) => isNear(wanted, name));
  return near === undefined ? ` (known fields: ${known.join(', ')})` : ` (did you mean ${goQuote(near)}?)`;
}

/** True if at most two characters differ between a common beginning and end. */
function isNear(wanted: string, name: string): boolean {
  const other = name.toLowerCase();
  if (Math.abs(wanted.length - other.length) > 2) return false;
  let start = 0;
  while (start < wanted.length && wanted[start] === other[start]) start += 1;
  let end = 0;
  while (end < wanted.length - start && wanted.at(-1 - end) === other.at(-1 - end)) end += 1;
  return Math.max(wanted.length, other.length) - start - end <= 2 && start + end > 2;
}

/** Removes the given fields from the document. A list keeps its length, so that paths into it stay right. */
function without(value: unknown, paths: readonly FieldPath[]): unknown {
  if (paths.some((path) => path.length === 0)) return undefined;
  if (paths.length === 0) return value;
  if (Array.isArray(value)) {
    const list: unknown[] = [...(value as unknown[])];
    for (const [key, below] of byFirst(paths)) list[Number(key)] = without(list[Number(key)], below) ?? null;
    return list;
  }
  const map = new Map(Object.entries(value as object));
  for (const [key, below] of byFirst(paths)) {
    const rest = without(map.get(String(key)), below);
    if (rest === undefined) map.delete(String(key));
    else map.set(String(key), rest);
  }
  return Object.fromEntries(map);
}

function byFirst(paths: readonly FieldPath[]): Map<string | number, FieldPath[]> {
  const groups = new Map<string | number, FieldPath[]>();
  for (const [first = '', ...rest] of paths) {
    const group = groups.get(first) ?? [];
    group.push(rest);
    groups.set(first, group);
  }
  return groups;
}

/** Returns the comparison of two paths by their order in the document: that in which the fields of each map were written. */
function documentOrder(document: unknown): (a: FieldPath, b: FieldPath) => number {
  const ranks = new Map<object, ReadonlyMap<string, number>>();
  const rankOf = (map: object, key: string): number => {
    const known = ranks.get(map) ?? new Map(Object.keys(map).map((name, rank) => [name, rank]));
    ranks.set(map, known);
    return known.get(key) ?? -1;
  };
  return (a, b) => {
    let value = document;
    for (let depth = 0; depth < Math.min(a.length, b.length); depth += 1) {
      const [left = '', right = ''] = [a[depth], b[depth]];
      if (left !== right) {
        if (typeof left === 'number' && typeof right === 'number') return left - right;
        return rankOf(value as object, String(left)) - rankOf(value as object, String(right));
      }
      value = valueAt(value, [left]);
    }
    return a.length - b.length;
  };
}
