import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareUpstreamMetrics } from '../metrics.ts';
import { createCredentialHealth } from './credential-health.ts';
import { passwordCredential } from './credential.ts';

function open() {
  const events: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json' }, (line) =>
    events.push((JSON.parse(line) as { event: string }).event),
  );
  const metrics = declareUpstreamMetrics(createMetricsRegistry());
  return {
    events,
    state: createCredentialHealth('r.example', { logger, metrics }),
    gauge: async () => (await metrics.credentialRefused.get()).values[0]?.value,
  };
}

const [good, bad, next] = ['good', 'bad', 'next'].map((password) => passwordCredential('u', password));

describe('the health of the credentials', () => {
  it('is that of the worst: a refused one counts although others are accepted', async () => {
    const { state, gauge, events } = open();
    state.provides('one', good);
    state.provides('two', bad);
    for (const _ of [1, 2, 3]) {
      state.refused(bad);
      state.accepted(good);
      assert.equal(await gauge(), 1);
    }
    assert.deepEqual(events, ['credential-refused']);
    state.accepted(bad);
    assert.equal(await gauge(), 0);
    assert.deepEqual(events, ['credential-refused', 'credential-accepted']);
  });

  it('is good again when the refused one is replaced or removed, before the next one is used', async () => {
    for (const after of [next, undefined]) {
      const { state, gauge } = open();
      state.provides('login', bad);
      state.refused(bad);
      state.provides('login', after);
      assert.equal(await gauge(), 0);
      // The answer to a request that began before.
      state.refused(bad);
      assert.equal(await gauge(), 0);
    }
  });

  it('stays bad while another source has the same credential', async () => {
    const { state, gauge } = open();
    for (const source of ['one', 'two']) state.provides(source, bad);
    state.refused(bad);
    state.provides('one', next);
    assert.equal(await gauge(), 1);
    state.provides('two', next);
    assert.equal(await gauge(), 0);
  });

  it('property: it is bad exactly while a source provides a credential whose last answer was a refusal', async () => {
    const credentials = fc.constantFrom(good, bad, next);
    const step = fc.oneof(
      fc.record({
        gives: fc.constantFrom('one', 'two'),
        credential: fc.option(credentials, { nil: undefined }),
      }),
      fc.record({ answer: fc.boolean(), credential: credentials }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step), async (steps) => {
        const { state, gauge } = open();
        const given = new Map<string, unknown>();
        const refused = new Set<unknown>();
        const has = (credential: unknown): boolean => [...given.values()].includes(credential);
        for (const one of steps) {
          if ('gives' in one) {
            given.set(one.gives, one.credential);
            state.provides(one.gives, one.credential);
            for (const credential of refused) if (!has(credential)) refused.delete(credential);
          } else if (one.answer) {
            refused.delete(one.credential);
            state.accepted(one.credential);
          } else {
            if (has(one.credential)) refused.add(one.credential);
            state.refused(one.credential);
          }
          assert.equal(await gauge(), refused.size > 0 ? 1 : 0);
        }
      }),
    );
  });
});
