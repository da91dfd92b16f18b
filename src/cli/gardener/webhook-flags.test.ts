import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoFlags } from '../go-flags/parse-flags.ts';
import { enabledWebhooks, WEBHOOK_FLAGS } from './webhook-flags.ts';

const enabled = (...args: string[]) =>
  enabledWebhooks(parseGoFlags(WEBHOOK_FLAGS, args, {}), ['cache', 'mirror']);

test('webhooks are left out by name, or all of them', () => {
  assert.deepEqual(enabled(), ['cache', 'mirror']);
  assert.deepEqual(enabled('--disable-webhooks=mirror'), ['cache']);
  assert.deepEqual(enabled('--disable-webhooks=mirror,cache'), []);
  assert.deepEqual(enabled('--disable-webhooks=*'), []);
});

test('an unknown name is refused, unless * comes before it', () => {
  assert.throws(() => enabled('--disable-webhooks=cache,x'), /cannot disable unknown webhook "x"/);
  assert.deepEqual(enabled('--disable-webhooks=*,x'), []);
});

test('the namespace of the certificates may come from the environment', () => {
  const values = parseGoFlags(WEBHOOK_FLAGS, [], { WEBHOOK_CONFIG_NAMESPACE: 'garden' });
  assert.equal(values.namespace, 'garden');
});
