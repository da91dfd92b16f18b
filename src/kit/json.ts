/** Parses JSON; undefined for any other text. The parser's error is dropped, because its message quotes the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Freezes a JSON value with all its parts, so that code which changes it fails at that place. Returns the same value. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

/** True if there are more than `most` values in a JSON value: itself, and those of its lists and maps. Counts no further than that. */
export function hasMoreValues(value: unknown, most: number): boolean {
  const open: unknown[] = [value];
  for (let found = 0; open.length > 0; found += 1) {
    if (found + open.length > most) return true;
    const one = open.pop();
    if (typeof one === 'object' && one !== null) for (const part of Object.values(one)) open.push(part);
  }
  return false;
}

/** The type of a JSON value as messages of Go's `encoding/json` name it: `string`, `number`, `bool`, `array` or `object`. */
export function goJsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
