import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRegistryConfig } from './parse.ts';
import { API_VERSION, KIND } from './schema.ts';

test('every duration of a cache refuses a negative value', () => {
  const durations = durationsIn(cacheWith({}));
  assert.ok(durations.length >= 5, durations.join());
  for (const path of durations) {
    const result = parseRegistryConfig(documentWith(nested(path.split('.'), '-1s')));
    assert.ok(!result.ok, `${path}: -1s is accepted; src/api/registry-config/rules.ts has no rule for it`);
    assert.ok(
      result.problems.some((problem) => JSON.stringify(problem).includes('non-negative')),
      path,
    );
  }
});

function documentWith(cache: object): object {
  return { apiVersion: API_VERSION, kind: KIND, caches: [{ upstream: 'ghcr.io', ...cache }] };
}

function cacheWith(cache: object): object {
  const result = parseRegistryConfig(documentWith(cache));
  assert.ok(result.ok);
  return result.config.caches[0] ?? {};
}

/** Paths of the durations, as the document names them. Programs see a duration as a number of milliseconds, `ttlMs`. */
function durationsIn(value: object, above = ''): string[] {
  return Object.entries(value).flatMap(([name, part]: [string, unknown]) => {
    if (typeof part === 'object' && part !== null && !Array.isArray(part))
      return durationsIn(part, `${above}${name}.`);
    return name.endsWith('Ms') ? [`${above}${name.slice(0, -2)}`] : [];
  });
}

function nested([first = '', ...rest]: readonly string[], value: string): object {
  return { [first]: rest.length === 0 ? value : nested(rest, value) };
}
