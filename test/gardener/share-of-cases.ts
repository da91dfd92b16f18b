import { isAbout, listedDifferences } from './differences.ts';
import type { RecordedCase } from './recorded-cases.ts';

/**
 * Chooses some cases that show all behaviour which any of the cases shows: each outcome of each kind of step, each operation and error text, each
 * field of each kind of object that is made or changed, each kind that is deleted, each field of an answer for nodes, each special begin, and each listed difference. What the others
 * add are further values in the same fields. Always chooses the same ones, in their order.
 */
export function shareOfCases(cases: readonly RecordedCase[]): RecordedCase[] {
  const listed = listedDifferences().filter(({ cases: glob }) => glob !== undefined);
  const shown = new Map(cases.map((one) => [one, behaviourIn(one, listed)]));
  const open = new Set([...shown.values()].flatMap((behaviour) => [...behaviour]));
  const chosen = new Set<RecordedCase>();
  while (open.size > 0) {
    const news = (one: RecordedCase): number =>
      [...(shown.get(one) ?? [])].filter((each) => open.has(each)).length;
    const best = cases.reduce((one, other) => (news(other) > news(one) ? other : one));
    chosen.add(best);
    for (const each of shown.get(best) ?? []) open.delete(each);
  }
  return cases.filter((one) => chosen.has(one));
}

type Listed = ReturnType<typeof listedDifferences>;

function behaviourIn({ name, input, steps }: RecordedCase, listed: Listed): Set<string> {
  const { description: _description, shoot: _shoot, secrets: _secrets, steps: _steps, ...begin } = input;
  const all = [
    ...Object.entries(begin).map((entry) => `begins with ${JSON.stringify(entry)}`),
    ...listed.filter((entry) => isAbout(entry, name)).map(({ why }) => `differs: ${why}`),
  ];
  for (const { action, settled, transitions = [], objects = {}, extension: _extension, ...others } of steps) {
    all.push(`${action}: ${settled}`, ...transitions.map(withoutValues));
    all.push(...fieldsIn(others).map((field) => `answers ${field}`));
    all.push(...(objects.deleted ?? []).map((key) => `deletes ${kindIn(key)}`));
    for (const change of ['created', 'updated'] as const)
      for (const [key, object] of Object.entries(objects[change] ?? {}))
        all.push(...fieldsIn(object).map((field) => `${change} ${kindIn(key)}${field}`));
  }
  return new Set(all);
}

/** Kind in the key of an object, such as `extension-registry-cache:StatefulSet/registry-docker-io`. */
function kindIn(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** Texts differ by what is in quotes, and by long numbers. */
function withoutValues(text: string): string {
  return text.replaceAll(/"[^"]*"/g, '""').replaceAll(/\d{3,}/g, '0');
}

/** Paths of all values, without indexes and hashes. What is true or false counts as two fields. */
function fieldsIn(value: unknown, path = ''): string[] {
  if (typeof value === 'boolean') return [`${path}=${value}`];
  if (typeof value !== 'object' || value === null) return [path];
  if (Array.isArray(value)) return value.flatMap((one) => fieldsIn(one, `${path}[]`));
  return Object.entries(value).flatMap(([key, inner]) =>
    fieldsIn(inner, `${path}/${key.replaceAll(/\b[0-9a-f]{8}\b/g, '')}`),
  );
}
