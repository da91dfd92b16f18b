import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTLED } from '../../../test/gardener/any-facts.ts';
import { createOpenSpecs, NO_OPEN_SPECS } from './open-specs.ts';

const KEY = 'shoot--p--s/registry-cache';

test('a spec is open until it is carried out, and again after each change', () => {
  const specs = createOpenSpecs();
  assert.equal(specs.isOpen(KEY, SETTLED), true);
  specs.carriedOut(KEY, SETTLED);
  assert.equal(specs.isOpen(KEY, SETTLED), false);
  assert.equal(specs.isOpen(KEY, { ...SETTLED, generation: 2 }), true);
});

test('a new object of the same name has an open spec', () => {
  const specs = createOpenSpecs();
  specs.carriedOut(KEY, SETTLED);
  assert.equal(specs.isOpen(KEY, { ...SETTLED, uid: '2' }), true);
  specs.forget(KEY);
  assert.equal(specs.isOpen(KEY, SETTLED), true);
});

test('a controller that waits for gardenlet has no open specs', () => {
  assert.equal(NO_OPEN_SPECS.isOpen(KEY, { ...SETTLED, generation: 2 }), false);
});
