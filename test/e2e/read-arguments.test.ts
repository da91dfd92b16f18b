import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTAINERDS } from '../parts/start-containerd.ts';
import { readArguments, SCENARIOS, type Arguments } from './read-arguments.ts';

test('by default the newest containerd runs every scenario', () => {
  assert.deepEqual(accepted([]), {
    suites: [{ containerd: 'containerd2', scenarios: SCENARIOS }],
    record: false,
  });
});

test('of all containerds the newest runs every scenario, the others only pull and thief', () => {
  const { suites } = accepted(['--containerd', 'all']);
  assert.deepEqual(
    suites.map(({ containerd }) => containerd),
    CONTAINERDS,
  );
  for (const { containerd, scenarios } of suites)
    assert.deepEqual(scenarios, containerd === 'containerd2' ? SCENARIOS : ['pull', 'thief']);
});

test('a containerd is selected by its minor release, scenarios by name', () => {
  const { suites } = accepted(['--containerd', '1.6', '--scenario', 'private', '--scenario', 'trouble']);
  assert.deepEqual(suites, [{ containerd: 'containerd1', scenarios: ['private', 'trouble'] }]);
});

test('an unknown value is refused with the list of known ones', () => {
  for (const args of [['--containerd', '1'], ['--containerd', '3.0'], ['--scenario', 'peace'], ['--help']])
    assert.match(refusalOf(args), /--scenario +pull, private/);
});

function accepted(args: readonly string[]): Arguments {
  const found = readArguments(args);
  assert.ok(typeof found !== 'string');
  return found;
}

function refusalOf(args: readonly string[]): string {
  const found = readArguments(args);
  assert.ok(typeof found === 'string');
  return found;
}
