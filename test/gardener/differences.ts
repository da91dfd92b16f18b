import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A place at which two recordings differ. */
export interface Difference {
  /** Such as `/steps[0]/objects/created/ConfigMap/x/data`. */
  readonly path: string;
  readonly recorded: unknown;
  readonly actual: unknown;
}

/** A difference that is meant. */
export interface ListedDifference {
  /** Regular expression that is found in the path. */
  readonly path: string;
  /** Glob of names of cases. Without one, every case of a reconcile. */
  readonly cases?: string;
  /** Part of the page for people. */
  readonly area: string;
  /** Sentences about Larder, in Markdown. */
  readonly what: string;
  readonly why: string;
}

export const ABSENT = '(absent)';

/** Finds the first difference of each part, as `compare.py` beside the recordings does. */
export function* differencesOf(recorded: unknown, actual: unknown, path = ''): Generator<Difference> {
  if (Array.isArray(recorded) && Array.isArray(actual)) {
    if (recorded.length !== actual.length) {
      yield { path: `${path} (length)`, recorded: recorded.length, actual: actual.length };
    }
    for (let index = 0; index < Math.min(recorded.length, actual.length); index += 1) {
      yield* differencesOf(recorded[index], actual[index], `${path}[${index}]`);
    }
  } else if (isMap(recorded) && isMap(actual)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(actual)])) {
      const below = `${path}/${key}`;
      if (!(key in recorded)) yield { path: below, recorded: ABSENT, actual: actual[key] };
      else if (!(key in actual)) yield { path: below, recorded: recorded[key], actual: ABSENT };
      else yield* differencesOf(recorded[key], actual[key], below);
    }
  } else if (recorded !== actual) yield { path, recorded, actual };
}

/** Reads the list. An entry may not explain everything. */
export function listedDifferences(): ListedDifference[] {
  const text = readFileSync(new URL('differences.yaml', import.meta.url), 'utf8');
  const listed = (parse(text) ?? []) as ListedDifference[];
  for (const { path, area, what, why } of listed) {
    assert.ok(area !== undefined && what !== undefined && why !== undefined, `no words for people: ${path}`);
    for (const place of ['', '/steps[0]/objects'])
      assert.ok(!new RegExp(path).test(place), `matches every path: ${why}`);
  }
  return listed;
}

/** True if the entry may explain differences of this case. */
export function isAbout({ cases }: ListedDifference, caseName: string): boolean {
  return cases === undefined ? /^(reconcile|lifecycle)\//.test(caseName) : globOf(cases).test(caseName);
}

/** True if the entry explains a difference of this case. */
export function explains(entry: ListedDifference, caseName: string, { path }: Difference): boolean {
  return isAbout(entry, caseName) && new RegExp(entry.path).test(path);
}

/** A glob in which `*` matches any characters. */
function globOf(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
