import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics } from '../../test/kit/metrics.ts';
import { ManualClock } from '../kit/clock.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import type { AdmissionAnswer, AdmissionRequest } from '../kube/webhook/admission.ts';
import { countedHandler } from './counted-handler.ts';
import { declareAdmissionMetrics } from './metrics.ts';

test('each answer is counted with its time, and a failure is one of them', async () => {
  const registry = createMetricsRegistry();
  const clock = new ManualClock();
  const answers: (AdmissionAnswer | Error)[] = [
    { allowed: true },
    { allowed: false, code: 403, message: 'no' },
    new Error('unreadable'),
  ];
  const handler = countedHandler({ clock, metrics: declareAdmissionMetrics(registry) }, 'one', async () => {
    clock.advance(20);
    const answer = answers.shift();
    if (answer === undefined || answer instanceof Error) throw answer;
    return Promise.resolve(answer);
  });
  const ask = () => handler({} as AdmissionRequest, new AbortController().signal);
  assert.equal((await ask()).allowed, true);
  assert.equal((await ask()).allowed, false);
  await assert.rejects(ask(), /unreadable/);

  const metrics = parseMetrics(await registry.registry.metrics());
  for (const answer of ['allowed', 'refused', 'failed'])
    assert.equal(metrics.sum('larder_admission_reviews_total', { webhook: 'one', answer }), 1, answer);
  assert.equal(metrics.sum('larder_admission_review_duration_seconds_count', { webhook: 'one' }), 3);
  assert.equal(metrics.sum('larder_admission_review_duration_seconds_bucket', { le: '0.01' }), 0);
});
