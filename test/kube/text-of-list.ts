/** Content of a list, in any order of objects and fields: equal for equal lists. */
export function textOfList(objects: readonly object[]): string {
  return objects
    .map((object) => JSON.stringify(object, sorted))
    .sort()
    .join('\n');
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
