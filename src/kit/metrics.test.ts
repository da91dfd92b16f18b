import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetricsRegistry, createProcessMetrics } from './metrics.ts';

test('a metric is shown with help and type before anything has happened', async () => {
  const { registry, counter, gauge, histogram } = createMetricsRegistry();
  counter('larder_a_total', 'Help of a');
  gauge('larder_b', 'Help of b');
  histogram('larder_c_seconds', 'Help of c', ['label'], [1, 2]);
  const text = await registry.metrics();
  for (const [name, type] of [
    ['larder_a_total', 'counter'],
    ['larder_b', 'gauge'],
    ['larder_c_seconds', 'histogram'],
  ]) {
    assert.match(text, new RegExp(`^# HELP ${name} Help of `, 'm'));
    assert.match(text, new RegExp(`^# TYPE ${name} ${type}$`, 'm'));
  }
});

test('the metrics of a program have those of its process beside them', async () => {
  const { registry, counter } = createProcessMetrics();
  counter('larder_a_total', 'Help of a');
  const text = await registry.metrics();
  for (const name of ['larder_a_total', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds'])
    assert.match(text, new RegExp(`^${name} `, 'm'));
});

test('two programs in one process do not share their numbers', async () => {
  const one = createMetricsRegistry();
  const other = createMetricsRegistry();
  one.counter('larder_a_total', 'Help').inc();
  other.counter('larder_a_total', 'Help');
  assert.match(await one.registry.metrics(), /^larder_a_total 1$/m);
  assert.match(await other.registry.metrics(), /^larder_a_total 0$/m);
});

test('a label that was not declared is refused', () => {
  const upstreamBytes = createMetricsRegistry().counter('larder_a_total', 'Help', ['upstream_host']);
  assert.throws(() => upstreamBytes.inc({ repository: 'private/name' } as never));
});
