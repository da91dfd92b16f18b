import type { FieldPath } from './field-problem.ts';

/**
 * Finds the fields of a JSON text that occur again in the same object. Looks inside the value at `at` only, and gives paths
 * below it, in the order of the text, each once. Ends after `most` of them: a path can be as long as the text. The text must be JSON: run
 * `JSON.parse` first.
 */
export function repeatedFields(text: string, at: FieldPath, most: number): FieldPath[] {
  const found: FieldPath[] = [];
  const path: (string | number)[] = [];
  /** For each open object or list: how often each name has occurred, or undefined for a list. */
  const open: (Map<string, number> | undefined)[] = [];
  let isKeyNext = false;
  for (let index = 0; index < text.length && found.length < most; index += 1) {
    const char = text[index];
    if (char === '"') {
      const end = endOfString(text, index);
      if (isKeyNext) {
        const key = readString(text.slice(index, end + 1));
        path[path.length - 1] = key;
        const names = open.at(-1);
        const before = names?.get(key) ?? 0;
        if (before === 1 && isInside(path, at)) found.push(path.slice(at.length));
        names?.set(key, before + 1);
        isKeyNext = false;
      }
      index = end;
    } else if (char === '{' || char === '[') {
      isKeyNext = char === '{';
      open.push(isKeyNext ? new Map() : undefined);
      path.push(isKeyNext ? '' : 0);
    } else if (char === '}' || char === ']') {
      isKeyNext = false;
      open.pop();
      path.pop();
    } else if (char === ',') {
      const last = path.at(-1);
      if (typeof last === 'number') path[path.length - 1] = last + 1;
      else isKeyNext = true;
    }
  }
  return found;
}

/** The index of the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text[index - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

function readString(literal: string): string {
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
}

function isInside(path: FieldPath, outer: FieldPath): boolean {
  return path.length > outer.length && outer.every((segment, depth) => path[depth] === segment);
}
