import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { readArguments, SCENARIOS } from './read-arguments.ts';

test('by default all scenarios are played, and each file of one is among them', () => {
  assert.deepEqual(readArguments([]), { scenarios: SCENARIOS, record: false });
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.scenario.ts'));
  const names = files.map((name) => name.replace('.scenario.ts', ''));
  assert.deepEqual(new Set(names), new Set(SCENARIOS));
});

test('one scenario is played after those that it needs, in their order', () => {
  assert.deepEqual(readArguments(['--scenario', 'end', '--record']), {
    scenarios: ['creation', 'owner', 'end'],
    record: true,
  });
});

test('a wrong command line is answered with the usage', () => {
  for (const args of [['--scenario', 'none'], ['--other'], ['end']])
    assert.equal(typeof readArguments(args), 'string');
});
